"""What it costs a training that its folder is in a store: epochs of one run, in turns.

    python -m ltpa_tf.benchmark.uploads s3://bucket/speed

Each epoch ends with a checkpoint. After every other one the upload is left out, so that
every other epoch trains while nothing is uploaded. Where other jobs share the machine,
a few percent drown in what they take; so the cost itself is added up, too: how long
training waits for `saved`, and the CPU time of the threads that upload, which training
lacks where it would use every core.
"""

import itertools
import statistics
import sys
import threading
import time

from ltpa_tf import remote, training
from ltpa_tf.configs import quickstart

_PAIRS = 15
_EXAMPLES = 5000
# The upload's own, and those of fsspec and the driver.
_THREADS = ("upload", "fsspecIO", "asyncio")


def main(url: str) -> None:
    """Prints seconds of each epoch, the ratios of the medians, and what was spent."""
    config = quickstart.get_config()
    config.data.train_examples = _EXAMPLES
    config.train.epochs = 2 * _PAIRS + 2
    ends, waits, sizes = [], [], []
    saved = remote.Mirror.saved

    def in_turns(mirror: remote.Mirror) -> None:
        ends.append((time.monotonic(), time.process_time(), _upload_seconds()))
        if len(ends) % 2:
            saved(mirror)
            waits.append(time.monotonic() - ends[-1][0])
            checkpoints = (mirror.path / "checkpoints").glob("*.npz")
            sizes.append(max(file.stat().st_size for file in checkpoints))

    remote.Mirror.saved = in_turns
    training.train(config, url)
    clock, cpu, upload = (
        [after - before for before, after in itertools.pairwise(times)]
        for times in zip(*ends, strict=True)
    )
    # The first two warm up; the upload at the run's end is in none.
    without, with_upload = slice(1, 2 * _PAIRS, 2), slice(2, 2 * _PAIRS + 1, 2)
    for name, seconds in (("clock", clock), ("CPU", cpu)):
        turns = {"without": seconds[without], "with": seconds[with_upload]}
        for turn, values in turns.items():
            listed = " ".join(f"{value:.2f}" for value in values)
            print(f"{name}, {turn}: {listed}; median {statistics.median(values):.2f}")
        ratio = statistics.median(turns["without"]) / statistics.median(turns["with"])
        print(f"{name}: {ratio:.3f} of the images a second")
    waited = statistics.median(waits[1:]) / statistics.median(clock[with_upload])
    spent = sum(upload[with_upload]) / sum(cpu[with_upload])
    print(f"checkpoint: {max(sizes) / 1e6:.1f} MB")
    print(f"waiting: {waited:.2%} of the clock; uploading: {spent:.2%} of the CPU time")
    print(f"both: {1 - waited - spent:.3f} of the images a second")


def _upload_seconds() -> float:
    """CPU seconds of the threads that upload, since they began."""
    return sum(
        time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.name.startswith(_THREADS)
    )


if __name__ == "__main__":
    main(sys.argv[1])
