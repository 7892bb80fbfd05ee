"""How fast the server answers: by transport, clients, batching and maps.

python -m pipelines.benchmark serving --out=serving.jsonl

Every server runs in a process of its own; all are started before the first round and
take turns, so that the machine's drift hits all alike. `--peer` (the default where
PyTorch is installed) adds the same model in PyTorch eager behind the same framework.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import requests

from ltpa_tf.benchmark.serving_load import KINDS, load, sender

CLASSES = 10
SIZE = 32


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints tables, writes JSON lines."""
    flags = _flags(arguments)
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        make_model(Path(folder), flags.width)
        servers = {
            name: stack.enter_context(child(command))
            for name, command in commands(Path(folder), flags).items()
        }
        if "pytorch" in servers:
            check_alike(servers, image)
        results = [
            *measure(transports(flags), servers, image, flags),
            *measure(maps_cost(flags), servers, image, flags),
            *measure(peers(servers, flags), servers, image, flags),
        ]
    conclude(results)
    if flags.out:
        lines = "".join(json.dumps(one) + "\n" for one in results)
        Path(flags.out).write_text(lines, encoding="utf-8")


def make_model(folder: Path, width: float) -> None:
    """The paper's att3 with random weights, exported, and its weights for the peer."""
    import keras

    from ltpa_tf import models, serving

    keras.utils.set_random_seed(0)
    model = models.build(
        "vgg_att3_concat_pc",
        num_classes=CLASSES,
        width=width,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
    )
    names = [str(index) for index in range(CLASSES)]
    serving.export(model, folder / "model", class_names=names)
    np.savez(folder / "weights.npz", *model.get_weights())


def commands(folder: Path, flags: argparse.Namespace) -> dict[str, list[str]]:
    """Server name -> how its process is started."""
    model = f"--model_dir={folder / 'model'}"
    found = {
        "batching": ["ours", model, "--batching"],
        "no batching": ["ours", model],
    }
    if flags.peer:
        settings = {"num_classes": CLASSES, "width": flags.width}
        settings |= {"mean": [127.5] * 3, "std": [51.0] * 3}
        peer = [
            *("pytorch", f"--settings={json.dumps(settings)}"),
            f"--weights={folder / 'weights.npz'}",
        ]
        cores = os.cpu_count()
        found["pytorch"] = [*peer, "--threads=1"]
        found["pytorch, all cores each"] = [*peer, f"--threads={cores}"]
        found["pytorch, batching"] = [*peer, f"--threads={cores}", "--batching"]
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
        difference = np.abs(one - answers["batching"]).max()
        if difference > 1e-4:
            raise RuntimeError(f"{name} differs by {difference}: another model")


def transports(flags: argparse.Namespace) -> list[tuple]:
    """(table, server, transport, clients, maps) of every transport and client count."""
    return [
        ("transports", server, kind, clients, False)
        for server in ("batching", "no batching")
        for kind in KINDS
        for clients in flags.clients
    ]


def maps_cost(flags: argparse.Namespace) -> list[tuple]:
    """With and without maps, side by side."""
    del flags
    return [
        ("maps", "batching", kind, 8, maps) for kind in KINDS for maps in (False, True)
    ]


def peers(servers: dict[str, dict], flags: argparse.Namespace) -> list[tuple]:
    """Every server with 8 clients over REST JSON, which all of them speak."""
    return [("peers", s, "REST JSON", 8, False) for s in servers] if flags.peer else []


def measure(
    cases: list[tuple], servers: dict[str, dict], image: np.ndarray, flags
) -> list[dict]:
    """Each case once a round, forth and back; medians over the rounds, printed."""
    rounds: dict[tuple, list[dict]] = {case: [] for case in cases}
    for number in range(flags.rounds):
        for case in cases if number % 2 == 0 else cases[::-1]:
            _, server, kind, clients, maps = case
            where = servers[server]

            def make(kind=kind, where=where, maps=maps):
                return sender(kind, where, image, maps)

            rounds[case].append(load(make, clients, flags.seconds))
    results = []
    for case, metrics in rounds.items():
        table, server, kind, clients, maps = case
        medians = {
            key: round(statistics.median(one[key] for one in metrics), 2)
            for key in metrics[0]
        }
        settings = {
            "server": server,
            "transport": kind,
            "clients": clients,
            "maps": maps,
        }
        results.append({"table": table, **settings, **medians, "rounds": metrics})
    if results:
        print(f"\n{results[0]['table']}")
        print(f"{'':44}{'clients':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}")
    for one in results:
        what = f"{one['server']}, {one['transport']}{', maps' if one['maps'] else ''}"
        print(
            f"{what:44}{one['clients']:8}{one['requests_per_second']:9.0f}"
            f"{one['p50_ms']:9.2f}{one['p99_ms']:9.2f}"
        )
    return results


def conclude(results: list[dict]) -> None:
    """What maps cost, and how we stand to the peer at its best without batching."""
    rates = {
        (one["table"], one["server"], one["transport"], one["maps"]): one[
            "requests_per_second"
        ]
        for one in results
        if one["table"] != "transports"
    }
    print()
    for kind in KINDS:
        with_maps, without = (
            rates["maps", "batching", kind, maps] for maps in (True, False)
        )
        print(f"maps cost {1 - with_maps / without:+.1%} of the requests over {kind}")
    peer = [
        rate
        for (table, server, *_), rate in rates.items()
        if table == "peers" and server in ("pytorch", "pytorch, all cores each")
    ]
    if peer:
        ours = rates["peers", "batching", "REST JSON", False]
        print(f"{ours / max(peer):.2f} times the requests of PyTorch eager")


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--width", type=float, default=0.25, help="of att3-concat-pc")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument(
        "--peer",
        action=argparse.BooleanOptionalAction,
        default=importlib.util.find_spec("torch") is not None,
        help="also PyTorch",
    )
    parser.add_argument("--out", help="JSON lines, one for each row")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
