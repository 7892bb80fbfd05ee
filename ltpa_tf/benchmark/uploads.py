"""What it costs a training that its folder is in a store: epochs of one run, in turns.

    python -m ltpa_tf.benchmark.uploads s3://bucket/speed

Each epoch ends with a checkpoint, and after every other one the upload is left out, so
that every other epoch trains while nothing is uploaded. What an upload costs doesn't
depend on how long an epoch is, but what other jobs on the machine add to it does:
so epochs are short and many, the mean difference of neighbours is the cost, and it is
told as a share of an epoch of the quickstart, without its validation. Two parts of it
are counted, too: how long training waits, and the CPU time of the threads that upload.
"""

import itertools
import json
import statistics
import sys
import threading
import time

from ltpa_tf import remote, training
from ltpa_tf.configs import quickstart

_PAIRS = 75
_EXAMPLES = 1000
_EPOCH = 10_000  # images of an epoch of the quickstart
# The upload's own, and those of fsspec and the driver.
_THREADS = ("upload", "fsspecIO", "asyncio")


def main(url: str) -> None:
    """Prints what an upload costs, in seconds and as a share of an epoch."""
    config = quickstart.get_config()
    config.data.train_examples = _EXAMPLES
    config.train.epochs = 2 * _PAIRS + 2
    # An upload is then of one checkpoint, as without turns.
    config.checkpoint.keep = 1
    ends, waits, took, sizes, rates = [], [], [], [], []
    saved, push = remote.Mirror.saved, remote.Mirror._push

    def in_turns(mirror: remote.Mirror) -> None:
        ends.append((time.monotonic(), time.process_time(), _upload_seconds()))
        if len(ends) % 2:
            saved(mirror)
            waits.append(time.monotonic() - ends[-1][0])
            checkpoints = (mirror.path / "checkpoints").glob("*.npz")
            sizes.append(max(file.stat().st_size for file in checkpoints))
        elif len(ends) == config.train.epochs:
            lines = (mirror.path / "metrics.jsonl").read_text().splitlines()
            rates.extend(json.loads(line)["images_per_second"] for line in lines)

    def timed(mirror: remote.Mirror) -> None:
        start = time.monotonic()
        push(mirror)
        took.append(time.monotonic() - start)

    remote.Mirror.saved, remote.Mirror._push = in_turns, timed
    training.train(config, url)
    clock, cpu, upload = (
        [after - before for before, after in itertools.pairwise(times)]
        for times in zip(*ends, strict=True)
    )
    # The first two warm up; the upload at the run's end is in none.
    without, with_upload = slice(1, 2 * _PAIRS, 2), slice(2, 2 * _PAIRS + 1, 2)
    epoch = _EPOCH / statistics.median(rates)
    print(f"an epoch of {_EPOCH:,} images: {epoch:.1f} s")
    for name, seconds in (("clock", clock), ("CPU", cpu)):
        pairs = zip(seconds[without], seconds[with_upload], strict=True)
        more = [later - before for before, later in pairs]
        cost, error = statistics.mean(more), statistics.stdev(more) / _PAIRS**0.5
        median = statistics.median(seconds[without])
        print(
            f"{name}: {_EXAMPLES:,} images and a validation take {median:.2f} s, "
            f"with an upload {cost:+.3f} s (standard error {error:.3f}): "
            f"{cost / epoch:.2%} ({error / epoch:.2%}) of an epoch"
        )
    size = max(sizes) / 1e6
    print(f"a checkpoint of {size:.1f} MB is uploaded while training goes on")
    print(f"in {statistics.median(took):.2f} s, at most {max(took):.2f} s")
    print(f"training waits for {statistics.median(waits[1:]) / epoch:.3%} of an epoch")
    spent = statistics.mean(upload[with_upload])
    print(f"the threads that upload use {spent:.3f} s: {spent / epoch:.2%} of an epoch")


def _upload_seconds() -> float:
    """CPU seconds of the threads that upload, since they began."""
    return sum(
        time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.name.startswith(_THREADS)
    )


if __name__ == "__main__":
    main(sys.argv[1])
