"""What it costs a training that its folder is in a store: epochs of one run, in turns.

    python -m ltpa_tf.benchmark.uploads s3://bucket/speed

Each epoch ends with a checkpoint. After every other one the upload is left out, so that
every other epoch trains while nothing is uploaded. Where other jobs share the machine,
the process's own CPU time says more than the clock.
"""

import itertools
import statistics
import sys
import time

from ltpa_tf import remote, training
from ltpa_tf.configs import quickstart

_PAIRS = 15
_EXAMPLES = 5000


def main(url: str) -> None:
    """Prints seconds of each epoch, and the ratios of the medians."""
    config = quickstart.get_config()
    config.data.train_examples = _EXAMPLES
    config.train.epochs = 2 * _PAIRS + 2
    ends = []
    saved = remote.Mirror.saved

    def in_turns(mirror: remote.Mirror) -> None:
        ends.append((time.monotonic(), time.process_time()))
        if len(ends) % 2:
            saved(mirror)

    remote.Mirror.saved = in_turns
    training.train(config, url)
    for number, clock in enumerate(("clock", "CPU")):
        times = [end[number] for end in ends]
        seconds = [after - before for before, after in itertools.pairwise(times)]
        # The first two warm up; the upload at the run's end is in none.
        turns = {"without": seconds[1 : 2 * _PAIRS : 2]}
        turns["with"] = seconds[2 : 2 * _PAIRS + 1 : 2]
        for name, values in turns.items():
            listed = " ".join(f"{value:.2f}" for value in values)
            print(f"{clock}, {name}: {listed}; median {statistics.median(values):.2f}")
        without, with_uploads = map(statistics.median, turns.values())
        print(f"{clock}: {without / with_uploads:.3f} of the images a second")


if __name__ == "__main__":
    main(sys.argv[1])
