"""What each kind of output costs the exported graph: processor time, without a server.

    python -m ltpa_tf.benchmark.map_parts --rounds 1000

Each function is that of `attention_maps`, of whose outputs only some are fetched:
TensorFlow leaves out what the others need. They take turns, in another order each
round.
"""

import argparse
import re
import statistics
import time

import numpy as np
import tensorflow as tf

from ltpa_tf.benchmark.common import at_least_one
from ltpa_tf.benchmark.serving import SIZE, random_model
from ltpa_tf.serving.signatures import Signatures

_ALWAYS = ("probabilities", "top_classes", "top_names")
_PARTS = {
    "no maps": r"(?!)",
    "native": r"level_\d+",
    "native, at the image's size": r"level_\d+(_image)?",
    "native, evidence": r"level_\d+|evidence_\w+",
    "native, grids": r"level_\d+(_grid)?",
    "all": r"level_\w+|evidence_\w+",
}


def main() -> None:
    """Prints the medians, and what they are above that without maps."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--rounds", type=at_least_one, default=1000)
    flags = parser.parse_args()
    random = np.random.default_rng(0)
    image = tf.constant(random.integers(0, 256, (1, SIZE, SIZE, 3), np.uint8))
    functions = _functions(flags.width)
    seconds = {name: [] for name in functions}
    for round_ in range(-20, flags.rounds):  # some to warm up
        for name in random.permutation(list(functions)):
            start = time.process_time()
            functions[name](image)
            if round_ >= 0:
                seconds[name].append(time.process_time() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        more = median - medians["no maps"]
        print(f"{name:28}{1000 * median:7.3f} ms {1000 * more:+7.3f} ms")


def _functions(width: float) -> dict:
    signatures = Signatures(*random_model(width))
    spec = tf.TensorSpec((None, SIZE, SIZE, 3), tf.uint8)

    def some(pattern):
        @tf.function(input_signature=[spec], autograph=False)
        def outputs(images):
            answer = signatures.attention_maps(images)
            return {
                name: value
                for name, value in answer.items()
                if re.fullmatch(pattern, name) or name in _ALWAYS
            }

        return outputs.get_concrete_function()

    return {name: some(pattern) for name, pattern in _PARTS.items()}


if __name__ == "__main__":
    main()
