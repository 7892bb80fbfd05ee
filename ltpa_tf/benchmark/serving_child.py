"""One server to measure: ours, or the same model in PyTorch behind the same framework.

Says where it listens as a line of JSON, and serves until its stdin closes.

The PyTorch server has our HTTP code, JSON code and queue; only what answers a request
is PyTorch in eager mode, as such models are commonly served.
"""

import argparse
import json
import sys
import threading
import types

from ltpa_tf.quiet import start_tensorflow


def ours(flags: argparse.Namespace) -> None:
    """The development server."""
    from ltpa_tf.serving.server import DevelopmentServer

    with DevelopmentServer(
        flags.model_dir, rest_port=0, grpc_port=0, batching=flags.batching
    ) as server:
        _say_and_wait(name=server.name, url=server.url, grpc=server.grpc_address)


def pytorch(flags: argparse.Namespace) -> None:
    """The peer, with `serving_default` alone."""
    import numpy as np
    import tensorflow as tf
    import torch
    import uvicorn

    from ltpa_tf.benchmark.pytorch_model import AttentionVGG, copy_weights
    from ltpa_tf.serving.server.engine import Engine
    from ltpa_tf.serving.server.pages import listen
    from ltpa_tf.serving.server.rest import RestHandlers
    from ltpa_tf.serving.server.serve import without_pauses

    torch.set_num_threads(flags.threads)
    settings = json.loads(flags.settings)
    model = AttentionVGG(**settings).eval().requires_grad_(False)
    with np.load(flags.weights) as arrays:
        copy_weights(model, [arrays[name] for name in arrays.files])

    @torch.inference_mode()
    def predict(images):
        pixels = torch.from_numpy(images.numpy()).permute(0, 3, 1, 2).float()
        probabilities = model(pixels).softmax(-1)
        top = probabilities.topk(min(5, settings["num_classes"])).indices
        found = {"probabilities": probabilities, "top_classes": top.int()}
        found["top_names"] = top.numpy().astype("S").astype(object)
        return {
            name: types.SimpleNamespace(numpy=lambda value=value: np.asarray(value))
            for name, value in found.items()
        }

    spec = tf.TensorSpec((None, flags.size, flags.size, 3), tf.uint8)
    version = types.SimpleNamespace(
        number=1,
        signatures={"serving_default": predict},
        specs=lambda _signature: {"images": spec},
    )
    repository = types.SimpleNamespace(name="peer", find=lambda *_: version)
    engine = Engine(max_batch=32, batching=flags.batching)
    rest = RestHandlers(repository, engine, max_batch=32, max_body=2**25)
    server = uvicorn.Server(uvicorn.Config(rest.application([]), log_level="warning"))
    socket = listen("port", "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    without_pauses()
    _say_and_wait(name="peer", url=f"http://127.0.0.1:{socket.getsockname()[1]}")
    server.should_exit = True
    thread.join()
    engine.stop()


def _say_and_wait(**where: str) -> None:
    print(json.dumps(where), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["ours", "pytorch"])
    parser.add_argument("--batching", action="store_true")
    parser.add_argument("--model_dir")
    parser.add_argument("--settings", help="of the PyTorch model, as JSON")
    parser.add_argument("--weights", help="npz with a Keras model's weights, in order")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1, help="of a PyTorch operation")
    arguments = parser.parse_args()
    start_tensorflow()
    (ours if arguments.kind == "ours" else pytorch)(arguments)
