"""What maps cost a server, in each form: processor time, latency, bytes.

    python -m ltpa_tf.benchmark.map_forms --rounds 300

One client asks for one image at a time, for each form once a round and in another
order each round, so that what else the machine does hits all alike. The processor time
is that of all the server's threads (Linux), without the client's. Where a
`tensorflow_model_server` is found, it is measured too.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ltpa_tf.benchmark.common import at_least_one
from ltpa_tf.benchmark.serving import SIZE, child, make_model, real_server
from ltpa_tf.benchmark.serving_load import KINDS, sender
from ltpa_tf.serving import model_server
from ltpa_tf.serving.compact import FORMS

_PLAIN = "no maps"
_ASKED = {_PLAIN: False, "full": True, **{form: form for form in FORMS}}


def main() -> None:
    """Measures each width on each server, and prints a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--widths", type=float, nargs="+", default=[0.25, 1.0])
    parser.add_argument("--rounds", type=at_least_one, default=300)
    flags = parser.parse_args()
    for width in flags.widths:
        with tempfile.TemporaryDirectory() as folder:
            make_model(Path(folder), width, (), FORMS)
            for name, started in _servers(Path(folder, "model")):
                with started as where:
                    _print(
                        f"{name}, att3-concat-pc, width {width}", where, flags.rounds
                    )


def _servers(base: Path) -> Iterator[tuple[str, contextlib.AbstractContextManager]]:
    yield "development server", child(["ours", f"--model_dir={base}"])
    if model_server.find():
        yield "TensorFlow Serving", real_server(base, batching=False)


def _print(title: str, where: dict, rounds: int) -> None:
    print(f"\n{title}")
    print(f"{'':22}{'CPU ms':>10}{'cost':>8}{'p50 ms':>10}{'bytes':>10}")
    for kind in KINDS:
        found = _measure(kind, where, rounds)
        plain = found[_PLAIN][0]
        for form, (cpu, wall, size) in found.items():
            print(
                f"{kind + ', ' + form:22}{cpu:10.3f}{cpu / plain - 1:+8.1%}{wall:10.3f}"
                f"{size:10}",
                flush=True,
            )


def _measure(kind: str, where: dict, rounds: int) -> dict[str, tuple[float, ...]]:
    """Form -> medians of the server's and the clock's milliseconds, and bytes."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    senders = {name: sender(kind, where, image, maps) for name, maps in _ASKED.items()}
    sizes = {name: send() for name, send in senders.items()}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in senders}
    for number in range(rounds + rounds // 10):
        for name in rng.permutation([*senders]).tolist():
            before, start = _cpu_ms(where["pid"]), time.perf_counter()
            senders[name]()
            wall = 1000 * (time.perf_counter() - start)
            if number >= rounds // 10:  # the first of them warm it up
                times[name].append((_cpu_ms(where["pid"]) - before, wall))
    return {
        name: (*map(statistics.median, zip(*some, strict=True)), sizes[name])
        for name, some in times.items()
    }


def _cpu_ms(pid: int) -> float:
    """What all threads of a process have used of the processors."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it may have ended
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e6


if __name__ == "__main__":
    main()
