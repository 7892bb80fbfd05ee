"""How fast the development server answers: by transport, clients, maps and client.

python -m pipelines.benchmark serving --out=serving.jsonl

Every server runs in a process of its own; all are started before the first round and
take turns, so that the machine's drift hits all alike. Where they are found, the same
model answers from TensorFlow Serving, and, behind the development server's HTTP, from
ONNX Runtime and from PyTorch eager.
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

from ltpa_tf.benchmark.common import at_least_one
from ltpa_tf.benchmark.serving_load import (
    KINDS,
    TOOLS,
    library,
    load,
    rest_body,
    sender,
    wrk,
)
from ltpa_tf.serving import model_server

CLASSES = 10
SIZE = 32
REAL = "tensorflow"
"""The peer that is a `tensorflow_model_server`."""
ALONE = f"{REAL}, no batching"

_PORTS = {True: (18511, 18510), False: (18513, 18512)}  # by batching


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints tables, writes JSON lines."""
    flags = _flags(arguments)
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        make_model(Path(folder), flags.width, flags.peers)
        servers = {
            name: stack.enter_context(started)
            for name, started in each_server(Path(folder), flags)
        }
        check_alike(servers, image)
        results = [
            *measure(transports(flags), servers, image, flags),
            *measure(maps_cost(), servers, image, flags),
            *measure(clients_cost(servers), servers, image, flags),
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


def each_server(
    folder: Path, flags: argparse.Namespace
) -> Iterator[tuple[str, contextlib.AbstractContextManager]]:
    """Name of a server, and what starts it."""
    yield "ours", child(["ours", f"--model_dir={folder / 'model'}"])
    if REAL in flags.peers:
        yield REAL, real_server(folder / "model")
        yield ALONE, real_server(folder / "model", batching=False)
    for threads in (1, os.cpu_count()):
        if "onnx" in flags.peers:
            file = f"--file={folder / 'model.onnx'}"
            command = ["onnx", file, f"--threads={threads}"]
            yield f"onnx, {threads} threads each", child(command)
        if "pytorch" in flags.peers:
            settings = {"num_classes": CLASSES, "width": flags.width}
            settings |= {"mean": [127.5] * 3, "std": [51.0] * 3}
            given = f"--settings={json.dumps(settings)}"
            weights = f"--weights={folder / 'weights.npz'}"
            command = ["pytorch", given, weights, f"--threads={threads}"]
            yield f"pytorch, {threads} threads each", child(command)


@contextlib.contextmanager
def real_server(base: Path, *, batching: bool = True) -> Iterator[dict]:
    """A `tensorflow_model_server` as `serve` starts it; where it listens."""
    rest, grpc = _PORTS[batching]
    with model_server.ModelServer(
        base,
        model_server.find(),
        host="0.0.0.0",
        rest_port=rest,
        grpc_port=grpc,
        batching=batching,
        log=base.with_name(f"tensorflow_model_server-{rest}.log"),
    ) as server:
        yield {
            "name": server.name,
            "url": server.url,
            "grpc": server.grpc_address,
            "pid": server.pid,
        }


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


def clients_cost(servers: dict[str, dict]) -> list[Case]:
    """The client library beside bare loops of the same requests."""
    return [
        Case("clients", server, kind, 32, tool=tool)
        for server in ("ours", REAL)
        if server in servers
        for kind in KINDS
        for tool in TOOLS
        if tool != "wrk" or (kind != "gRPC" and shutil.which("wrk"))
    ]


def peers(servers: dict[str, dict]) -> list[Case]:
    """Every server over the transports that it has; all have REST JSON."""
    return [
        Case("peers", server, kind, clients)
        for kind in KINDS
        for clients in (8, 32)
        for server in servers
        if kind == "REST JSON" or server in ("ours", REAL, ALONE)
    ]


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
    for (table, server, kind, *_, tool), rate in rates.items():
        if (table, tool) == ("clients", "library"):
            bare = max(
                other
                for case, other in rates.items()
                if case[:3] == (table, server, kind) and case[-1] != tool
            )
            loss = f"{1 - rate / bare:+.1%} of them over {kind}, of {server}"
            print(f"the client library costs {loss}")
    for (table, server, kind, clients, *rest), rate in rates.items():
        if table == "peers" and server != "ours":
            ours = rates[(table, "ours", kind, clients, *rest)]
            print(
                f"{ours / rate:.2f} times the requests of {server}, over {kind}, "
                f"{clients} clients"
            )


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--width", type=float, default=0.25, help="of att3-concat-pc")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a measurement")
    parser.add_argument("--rounds", type=at_least_one, default=3)
    parser.add_argument(
        "--clients", type=at_least_one, nargs="+", default=[1, 2, 4, 8, 16, 32]
    )
    libraries = {"onnx": "tf2onnx", "pytorch": "torch"}
    found = [k for k, name in libraries.items() if importlib.util.find_spec(name)]
    found += [REAL] if model_server.find() else []
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=(REAL, *libraries),
        default=found,
        help="others that answer; by default those that are found",
    )
    parser.add_argument("--out", help="JSON lines, one for each row")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
