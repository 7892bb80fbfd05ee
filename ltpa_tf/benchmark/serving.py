"""How fast the development server answers: by transport, clients, maps and client.

python -m pipelines.benchmark serving --out=serving.jsonl

Every server runs in a process of its own; all are started before the first round and
take turns, so that the machine's drift hits all alike. Where they are installed, the
same model answers from ONNX Runtime and from PyTorch eager, behind the same HTTP.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import requests

from ltpa_tf.benchmark.serving_load import (
    KINDS,
    TOOLS,
    library,
    load,
    rest_body,
    sender,
    wrk,
)

CLASSES = 10
SIZE = 32


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints tables, writes JSON lines."""
    flags = _flags(arguments)
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        make_model(Path(folder), flags.width, flags.peers)
        servers = {
            name: stack.enter_context(child(command))
            for name, command in commands(Path(folder), flags).items()
        }
        check_alike(servers, image)
        results = [
            *measure(transports(flags), servers, image, flags),
            *measure(maps_cost(), servers, image, flags),
            *measure(clients_cost(), servers, image, flags),
            *measure(peers(servers), servers, image, flags),
        ]
    conclude(results)
    if flags.out:
        lines = "".join(json.dumps(one) + "\n" for one in results)
        Path(flags.out).write_text(lines, encoding="utf-8")


class Case(NamedTuple):
    """One thing to measure."""

    table: str
    server: str
    transport: str
    clients: int
    maps: bool = False
    tool: str = "loop"


def random_model(width: float):
    """The paper's att3 with random weights, and the names of its classes."""
    import keras

    from ltpa_tf import models

    keras.utils.set_random_seed(0)
    model = models.build(
        "vgg_att3_concat_pc",
        num_classes=CLASSES,
        width=width,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
    )
    return model, [str(index) for index in range(CLASSES)]


def make_model(
    folder: Path, width: float, peers: Sequence[str], compact: Sequence[str] = ()
) -> None:
    """`random_model`, exported, and its files for the peers."""
    from ltpa_tf import serving
    from ltpa_tf.serving import onnx_file
    from ltpa_tf.serving.signatures import Signatures

    model, names = random_model(width)
    serving.export(model, folder / "model", class_names=names, compact=compact)
    if "onnx" in peers:
        images = np.random.default_rng(1).integers(0, 256, (8, SIZE, SIZE, 3), np.uint8)
        onnx_file.to_onnx(Signatures(model, names), folder / "model.onnx", images)
    np.savez(folder / "weights.npz", *model.get_weights())


def commands(folder: Path, flags: argparse.Namespace) -> dict[str, list[str]]:
    """Server name -> how its process is started."""
    found = {"ours": ["ours", f"--model_dir={folder / 'model'}"]}
    for threads in (1, os.cpu_count()):
        if "onnx" in flags.peers:
            found[f"onnx, {threads} threads each"] = [
                *("onnx", f"--file={folder / 'model.onnx'}", f"--threads={threads}")
            ]
        if "pytorch" in flags.peers:
            settings = {"num_classes": CLASSES, "width": flags.width}
            settings |= {"mean": [127.5] * 3, "std": [51.0] * 3}
            found[f"pytorch, {threads} threads each"] = [
                *("pytorch", f"--settings={json.dumps(settings)}"),
                *(f"--weights={folder / 'weights.npz'}", f"--threads={threads}"),
            ]
    return found


@contextlib.contextmanager
def child(arguments: Sequence[str]) -> Iterator[dict]:
    """A server's process; where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ltpa_tf.benchmark.serving_child", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


def check_alike(servers: dict[str, dict], image: np.ndarray) -> None:
    """The servers hold the same model, or there is nothing to compare."""
    answers = {}
    for name, where in servers.items():
        url = f"{where['url']}/v1/models/{where['name']}:predict"
        answer = requests.post(url, json={"inputs": [image.tolist()]}).json()
        answers[name] = np.array(answer["outputs"]["probabilities"])
    for name, one in answers.items():
        difference = np.abs(one - answers["ours"]).max()
        if difference > 1e-4:
            raise RuntimeError(f"{name} differs by {difference}: another model")


def transports(flags: argparse.Namespace) -> list[Case]:
    """Every transport and client count."""
    return [
        Case("transports", "ours", kind, clients)
        for kind in KINDS
        for clients in flags.clients
    ]


def maps_cost() -> list[Case]:
    """With and without maps, side by side."""
    return [
        Case("maps", "ours", kind, 8, maps) for kind in KINDS for maps in (False, True)
    ]


def clients_cost() -> list[Case]:
    """The client library beside bare loops of the same requests."""
    return [
        Case("clients", "ours", kind, 32, tool=tool)
        for kind in KINDS
        for tool in TOOLS
        if tool != "wrk" or (kind != "gRPC" and shutil.which("wrk"))
    ]


def peers(servers: dict[str, dict]) -> list[Case]:
    """Every server with 8 clients over REST JSON, which all of them speak."""
    return [Case("peers", server, "REST JSON", 8) for server in servers]


def measure(
    cases: list[Case], servers: dict[str, dict], image: np.ndarray, flags
) -> list[dict]:
    """Each case once a round, forth and back; medians over the rounds, printed."""
    rounds: dict[Case, list[dict]] = {case: [] for case in cases}
    for number in range(flags.rounds):
        for case in cases if number % 2 == 0 else cases[::-1]:
            metrics = _load(case, servers[case.server], image, flags.seconds)
            rounds[case].append(metrics)
    results = []
    for case, metrics in rounds.items():
        medians = {
            key: round(statistics.median(one[key] for one in metrics), 2)
            for key in metrics[0]
        }
        results.append({**case._asdict(), **medians, "rounds": metrics})
    print(f"\n{cases[0].table}")
    print(f"{'':44}{'clients':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}")
    for one in results:
        what = f"{one['server']}, {one['transport']}{', maps' if one['maps'] else ''}"
        what += f", {one['tool']}" if one["table"] == "clients" else ""
        print(
            f"{what:44}{one['clients']:8}{one['requests_per_second']:9.0f}"
            f"{one['p50_ms']:9.2f}{one['p99_ms']:9.2f}"
        )
    return results


def _load(case: Case, where: dict, image: np.ndarray, seconds: float) -> dict:
    if case.tool == "wrk":
        body = rest_body(case.transport, image, case.maps)
        return wrk(body, where, case.clients, seconds)
    make = library if case.tool == "library" else sender
    return load(
        lambda: make(case.transport, where, image, case.maps), case.clients, seconds
    )


def conclude(results: list[dict]) -> None:
    """What maps and the client library cost, and how we stand to peers."""
    rates = {
        tuple(one[field] for field in Case._fields): one["requests_per_second"]
        for one in results
    }
    print()
    for kind in KINDS:
        with_maps, without = (
            rates[Case("maps", "ours", kind, 8, maps)] for maps in (True, False)
        )
        print(f"maps cost {1 - with_maps / without:+.1%} of the requests over {kind}")
    for kind in KINDS:
        bare = max(
            rate
            for (table, _, transport, *_, tool), rate in rates.items()
            if (table, transport) == ("clients", kind) and tool != "library"
        )
        ours = rates[Case("clients", "ours", kind, 32, tool="library")]
        print(f"the client library costs {1 - ours / bare:+.1%} of them over {kind}")
    of_peers = {
        server: rate for (table, server, *_), rate in rates.items() if table == "peers"
    }
    for server, rate in of_peers.items():
        if server != "ours":
            print(f"{of_peers['ours'] / rate:.2f} times the requests of {server}")


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--width", type=float, default=0.25, help="of att3-concat-pc")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    libraries = {"onnx": "tf2onnx", "pytorch": "torch"}
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=libraries,
        default=[k for k, name in libraries.items() if importlib.util.find_spec(name)],
        help="other libraries that answer; by default those installed",
    )
    parser.add_argument("--out", help="JSON lines, one for each row")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
