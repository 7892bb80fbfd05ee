"""Accuracy and seconds of a config over several seeds, one compiled step for all.

    python -m benchmarks.time_to_accuracy --config=configs/cifar100_fast.py --seeds=5

A seed means other initial weights, order and augmentation. Timed is training, from the
first step to the last one's end, and the statistics for averaged weights if there is an
average; compiling (once, reported beside it), loading data, drawing initial weights and
testing are not. Nothing is selected: tested once, after the last step.

Settings are chosen on images held out from training, never on the test part: with
`--config.data.validation_examples=5000` the accuracies are those of that many.
"""

import dataclasses
import json
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from ml_collections import config_flags

from ltpa_tf import config as configuration
from ltpa_tf import data
from ltpa_tf.run import load_data
from ltpa_tf.training import distribution
from ltpa_tf.training.parts import assemble, build_model

_CONFIG = config_flags.DEFINE_config_file("config", None, "The experiment.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "How many seeds, counted from 0.")
_OUT = flags.DEFINE_string("out", "", "A file that gets a line of JSON.")
_TEST_BATCH = 500


class Trainer:
    """Trains and tests the same compiled step again and again.

    Args:
        config: What to train; its data must fit on the device.
        source: The data set.
        seeds: What it will be trained from.
    """

    def __init__(self, config, source: data.Source, seeds: Iterable[int]):
        config = config.copy_and_resolve_references()
        config.data.placement = "resident"
        self._config, self._source = config, source
        strategy = distribution.make_strategy(config.runtime.strategy)
        self._parts = assemble(config, strategy, source)
        # All of them now: setting a seed makes TensorFlow forget the functions that it
        # has made ready to run.
        self._starts = {seed: self._start(seed) for seed in seeds}
        self._steps = config.train.epochs * self._parts.steps_per_epoch
        self._logits = tf.function(self._logits_of_both, jit_compile=self._parts.jit)

    def compile(self) -> float:
        """Compiles the step, for each size of images; returns the seconds it took."""
        start = time.perf_counter()
        for first in {0, self._parts.program.small_steps}:
            self._run(first, 1)
        return time.perf_counter() - start

    def train(self, seed: int) -> dict:
        """Trains from this seed's initial weights; returns figures of the run."""
        parts = self._parts
        parts.state.from_arrays(self._starts[seed])
        parts.feed.seed.assign(seed)
        start = time.perf_counter()
        loss = self._run(0, self._steps)
        if parts.estimate is not None:
            parts.estimate()
        seconds = time.perf_counter() - start
        return {"seed": seed, "seconds": seconds, "loss": loss, **self._test()}

    def _start(self, seed: int) -> dict:
        """The state before the first step, with this seed's initial weights."""
        keras.utils.set_random_seed(seed)
        model = build_model(self._config, self._source)
        arrays = self._parts.state.to_arrays()
        for i, variable in enumerate(model.trainable_variables):
            arrays[f"trainable.{i:03d}"] = keras.ops.convert_to_numpy(variable)
            if self._parts.estimate is not None:
                arrays[f"ema.{i:03d}"] = keras.ops.convert_to_numpy(variable)
        return arrays

    def _run(self, first: int, steps: int) -> float:
        """Steps in one call, and the wait for the last; their mean loss."""
        sums, bad_step = self._parts.program.train(None, first, steps)
        total, _, examples, *_ = sums.numpy()
        if int(bad_step) >= 0:
            raise RuntimeError(f"not finite at step {int(bad_step)}")
        return float(total / examples)

    def _test(self) -> dict:
        """Test accuracy, plain and with the mirrored image's logits added."""
        weights, local = self._parts.state.read_for_evaluation()
        split = self._source.test
        correct = np.zeros(2)
        for first in range(0, len(split), _TEST_BATCH):
            part = slice(first, first + _TEST_BATCH)
            both = self._logits(weights, local, tf.constant(split.array[part]))
            for i, logits in enumerate(both):
                correct[i] += np.sum(np.argmax(logits, -1) == split.labels[part])
        plain, flipped = (correct / len(split)).tolist()
        return {"accuracy": plain, "accuracy_with_flip": flipped}

    def _logits_of_both(self, weights, local, images):
        images = tf.cast(images, tf.float32)
        model = self._parts.model
        plain, mirrored = (
            model.stateless_call(weights, local, x, training=False)[0]
            for x in (images, tf.reverse(images, [2]))
        )
        return plain, plain + mirrored


def summary(config, runs: list[dict], compile_seconds: float) -> dict:
    """Mean and standard deviation over the runs, and what they are figures of."""
    figures = {}
    for name in ("accuracy", "accuracy_with_flip", "seconds"):
        values = [run[name] for run in runs]
        figures[name] = {
            "mean": statistics.mean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
        }
    return {
        "device": distribution.device_name(),
        "compile_seconds": compile_seconds,
        **figures,
        "runs": runs,
        "config": config.to_dict(),
    }


def load(config) -> data.Source:
    """The data; with a validation part, that stands in the place of the test part."""
    source = load_data(config)
    if source.validation is None:
        return source
    return dataclasses.replace(source, test=source.validation, validation=None)


def main(argv) -> None:
    """Trains every seed and prints a line for each, then the mean."""
    del argv
    config = _CONFIG.value
    configuration.validate(config)
    keras.config.set_dtype_policy(config.runtime.precision)
    seeds = range(_SEEDS.value)
    trainer = Trainer(config, load(config), seeds)
    compile_seconds = trainer.compile()
    print(f"compiled in {compile_seconds:.1f} s", flush=True)
    runs = []
    for seed in seeds:
        runs.append(trainer.train(seed))
        print(
            "seed {seed}: {accuracy:.2%}, with flip {accuracy_with_flip:.2%}, "
            "{seconds:.2f} s".format(**runs[-1]),
            flush=True,
        )
    result = summary(config, runs, compile_seconds)
    for name in ("accuracy", "accuracy_with_flip", "seconds"):
        print(f"{name}: {result[name]['mean']:.4f} +- {result[name]['deviation']:.4f}")
    if _OUT.value:
        with Path(_OUT.value).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(result) + "\n")


def cli() -> None:
    """Runs the program."""
    flags.mark_flag_as_required("config")
    app.run(main)


if __name__ == "__main__":
    cli()
