"""One server to measure: ours, or the same model in another library behind our HTTP.

Says where it listens as a line of JSON, and serves until its stdin closes.

A peer has our HTTP and JSON code; only what answers a request is PyTorch in eager mode,
as such models are commonly served, or ONNX Runtime with the exported file.
"""

import argparse
import json
import os
import sys
import threading
import types
from collections.abc import Callable

import numpy as np

from ltpa_tf.quiet import start_tensorflow

TOP = 5


def ours(flags: argparse.Namespace) -> None:
    """The development server."""
    from ltpa_tf.serving.server import DevelopmentServer

    with DevelopmentServer(flags.model_dir, rest_port=0, grpc_port=0) as server:
        _say_and_wait(name=server.name, url=server.url, grpc=server.grpc_address)


def onnx(flags: argparse.Namespace) -> None:
    """ONNX Runtime with a file of `export --format=onnx`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = flags.threads
    session = onnxruntime.InferenceSession(flags.file, options)

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        (probabilities,) = session.run(["probabilities"], {"images": images})
        top = np.argsort(-probabilities, axis=-1)[:, :TOP].astype(np.int32)
        return _named(probabilities, top)

    _serve_peer(run, flags.size)


def pytorch(flags: argparse.Namespace) -> None:
    """PyTorch in eager mode."""
    import torch

    from ltpa_tf.benchmark.pytorch_model import AttentionVGG, copy_weights

    torch.set_num_threads(flags.threads)
    settings = json.loads(flags.settings)
    model = AttentionVGG(**settings).eval().requires_grad_(False)
    with np.load(flags.weights) as arrays:
        copy_weights(model, [arrays[name] for name in arrays.files])

    @torch.inference_mode()
    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        probabilities = model(pixels).softmax(-1)
        top = probabilities.topk(TOP).indices.int()
        return _named(probabilities.numpy(), top.numpy())

    _serve_peer(run, flags.size)


def _named(probabilities: np.ndarray, top: np.ndarray) -> dict[str, np.ndarray]:
    """What `serving_default` answers, of a model whose classes are called 0 to 9."""
    names = top.astype("S").astype(object)
    return {"probabilities": probabilities, "top_classes": top, "top_names": names}


def _serve_peer(run: Callable[[np.ndarray], dict], size: int) -> None:
    """Serves `serving_default` alone, over REST."""
    from concurrent.futures import ThreadPoolExecutor

    from starlette.applications import Starlette
    from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

    from ltpa_tf.serving.server.application import Application
    from ltpa_tf.serving.server.http_server import HttpServer, listen
    from ltpa_tf.serving.server.serve import without_pauses

    images = TensorInfo(dtype="DT_UINT8")
    version = types.SimpleNamespace(
        inputs=lambda _signature: {"images": images},
        run=lambda _signature, inputs: run(inputs["images"]),
    )
    repository = types.SimpleNamespace(name="peer", find=lambda *_: version)
    # Nothing is put together here: more threads would only get in each other's way.
    with ThreadPoolExecutor(4 * (os.cpu_count() or 1)) as pool:
        server = HttpServer(Application(repository, pool, 2**25, Starlette()))
        socket = listen("port", "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, args=([socket],))
        thread.start()
        without_pauses()
        _say_and_wait(name="peer", url=f"http://127.0.0.1:{socket.getsockname()[1]}")
        server.should_exit = True
        thread.join()


def _say_and_wait(**where: str) -> None:
    print(json.dumps({**where, "pid": os.getpid()}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    servers = {one.__name__: one for one in (ours, onnx, pytorch)}
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=servers)
    parser.add_argument("--model_dir")
    parser.add_argument("--file", help="an ONNX file")
    parser.add_argument("--settings", help="of the PyTorch model, as JSON")
    parser.add_argument("--weights", help="npz with a Keras model's weights, in order")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1, help="of a peer's operation")
    arguments = parser.parse_args()
    start_tensorflow()
    servers[arguments.kind](arguments)
