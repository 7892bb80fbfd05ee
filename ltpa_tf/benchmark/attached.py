"""What attention costs a backbone, beside the mean of its features.

    python -m ltpa_tf.benchmark.attached --rounds 100                 # answers, a CPU
    python -m ltpa_tf.benchmark.attached --training 256 --rounds 10   # steps, a GPU

The same layers of the same backbone with two heads: one on the mean of the last
features, one on what attention found at the last three resolutions. They take turns, in
another order each round, so that what else the machine does hits all alike.

Answers are those of exported models; the processor time is that of all threads. Weights
are random; batch norm has its statistics from random images, so that features keep
their size. Steps are the trainer's own, 20 in each round, on random images and all
weights, compiled and in bfloat16 where it would be by itself.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np

from ltpa_tf.benchmark.common import at_least_one
from ltpa_tf.quiet import start_tensorflow

_MEAN = "mean pooling"
_STEPS = 20  # in a round


def main() -> None:
    """Measures each size of batches, and prints a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backbone", default="efficientnetv2b0")
    parser.add_argument("--image_size", type=at_least_one, default=224)
    parser.add_argument("--batches", type=at_least_one, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=at_least_one, default=100)
    parser.add_argument("--training", type=int, default=0, help="images in a step")
    flags = parser.parse_args()
    start_tensorflow()
    if flags.training:
        _print_steps(flags.backbone, flags.image_size, flags.training, flags.rounds)
        return
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


def _print_steps(name: str, size: int, batch: int, rounds: int) -> None:
    """Measures training steps and prints a line for each head."""
    from ltpa_tf import distribution

    trainings = {
        _MEAN: _training(name, size, batch, "vgg_none"),
        "attention": _training(name, size, batch, "vgg_att3_concat_pc"),
    }
    found = {name: [] for name in trainings}
    orders = itertools.cycle(itertools.permutations(trainings))
    for _ in range(rounds):
        for head in next(orders):
            taken = trainings[head]()
            found[head].append(1000 * taken["seconds"] * batch / taken["images"])
    device = distribution.device_name()
    print(f"{name}, {size} pixels, steps of {batch}, {rounds} rounds, {device}")
    plain = found[_MEAN]
    for head, spent in found.items():
        ratio = statistics.median(a / b for a, b in zip(spent, plain, strict=True))
        print(f"{head:22}{statistics.median(spent):10.2f} ms{ratio - 1:+8.1%}")


def _training(name: str, size: int, batch: int, row: str):
    import keras

    from ltpa_tf.benchmark.measure import noise
    from ltpa_tf.benchmark.ours import Training
    from ltpa_tf.configs import common

    config = common.get_config()
    config.model.name = row
    config.model.backbone = name
    config.model.dropout = 0.0
    config.train.batch_size = batch
    config.optimizer.schedule = "constant"
    config.runtime.precision = "mixed_bfloat16"
    keras.config.set_dtype_policy(config.runtime.precision)
    return Training(config, noise(size, _STEPS * batch), warm_up=5)


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
