"""One compiled step that trains from one seed after another."""

import dataclasses
import statistics
import time
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.errors import SettingError
from ltpa_tf.run import load_data
from ltpa_tf.training import distribution
from ltpa_tf.training.parts import assemble, build_model

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
    """The data; with a validation part, that stands in the place of the test part.

    Raises:
        SettingError: If there is neither.
    """
    source = load_data(config)
    if source.validation is not None:
        return dataclasses.replace(source, test=source.validation, validation=None)
    if source.test is None:
        raise SettingError(
            "data.name",
            source.name,
            "data with a test part, or data.validation_examples above 0",
        )
    return source
