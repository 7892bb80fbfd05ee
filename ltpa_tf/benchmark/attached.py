"""What attention costs a backbone on the CPU, beside the mean of its features.

    python -m ltpa_tf.benchmark.attached --rounds 100

The same layers of the same backbone with two heads: one on the mean of the last
features, one on what attention found at the last three resolutions, both as exports
have them. They take turns, in another order each round, so that what else the machine
does hits all alike. The processor time is that of all threads. Weights are random;
batch norm has its statistics from random images, so that features keep their size.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np

from ltpa_tf.quiet import start_tensorflow

_MEAN = "mean pooling"


def main() -> None:
    """Measures each size of batches, and prints a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backbone", default="efficientnetv2b0")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=100)
    flags = parser.parse_args()
    start_tensorflow()
    contenders = _contenders(flags.backbone, flags.image_size)
    for batch in flags.batches:
        found = _measure(contenders, batch, flags.image_size, flags.rounds)
        _print(f"{flags.backbone}, {flags.image_size} pixels, batch {batch}", found)


def _contenders(name: str, size: int) -> dict[str, Callable]:
    """Compiled functions of a batch of images, by their name."""
    import tensorflow as tf

    from ltpa_tf import models

    shape = (size, size, 3)
    backbone = models.named_backbone(name, "", shape)
    _settle(backbone, shape)
    attended = models.prune(models.attach(backbone, 1000))
    found = {
        _MEAN: models.attach(backbone, 1000, levels=()),
        "attention": attended,
        "attention, with maps": models.attention_model(attended),
    }
    spec = tf.TensorSpec((None, *shape), tf.float32)

    def compiled(model):
        return tf.function(
            lambda images: model(images, training=False), input_signature=[spec]
        )

    return {name: compiled(model) for name, model in found.items()}


def _settle(backbone, shape) -> None:
    """Statistics of images for batch norm; otherwise features fade towards 0."""
    import keras

    for layer in backbone._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    backbone(_images(8, shape), training=True)


def _images(count: int, shape) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (count, *shape))
    return pixels.astype(np.float32)


def _measure(contenders, batch: int, size: int, rounds: int) -> dict:
    """Name -> (processor ms, wall ms) of each round."""
    import tensorflow as tf

    images = tf.constant(_images(batch, (size, size, 3)))
    found = {name: [] for name in contenders}
    orders = itertools.cycle(itertools.permutations(contenders))
    for number in range(-3, rounds):  # the first ones warm up
        for name in next(orders):
            start = time.process_time(), time.perf_counter()
            tf.nest.map_structure(lambda x: x.numpy(), contenders[name](images))
            end = time.process_time(), time.perf_counter()
            if number >= 0:
                spent = (
                    after - before for before, after in zip(start, end, strict=True)
                )
                found[name].append([1000 * seconds for seconds in spent])
    return found


def _print(title: str, found: dict) -> None:
    print(f"\n{title}, {len(found[_MEAN])} rounds, median of each round's ratio")
    print(f"{'':22}{'CPU ms':>10}{'cost':>8}{'wall ms':>10}{'cost':>8}")
    for name, spent in found.items():
        cells = []
        for clock in (0, 1):
            own = [one[clock] for one in spent]
            plain = [one[clock] for one in found[_MEAN]]
            ratio = statistics.median(a / b for a, b in zip(own, plain, strict=True))
            cells.append(f"{statistics.median(own):10.2f}{ratio - 1:+8.1%}")
        print(f"{name:22}{''.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
