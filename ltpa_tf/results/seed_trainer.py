"""Trains one config from several seeds with one compiled step."""

import dataclasses
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import config as configuration
from ltpa_tf import data, distribution
from ltpa_tf.data.augmentation import check_sides
from ltpa_tf.errors import NonFiniteError, SettingError
from ltpa_tf.evaluation import evaluate
from ltpa_tf.evaluation.metrics import Classification
from ltpa_tf.evaluation.multiplications import multiplications
from ltpa_tf.files import write_json, write_text
from ltpa_tf.model_file import save_model
from ltpa_tf.run import RunFolder
from ltpa_tf.run_inputs import load_data
from ltpa_tf.training import Trainer, versions
from ltpa_tf.training.model import build_model, check_images, saved_model
from ltpa_tf.training.network import set_weights, with_seeds
from ltpa_tf.training.pretrained import started

_TEST_BATCH = 1000  # at most


class SeedTrainer:
    """Trains and tests a config again and again, from one seed after another.

    A seed means other initial weights, order, augmentation and dropout masks; the
    compiled step is the same for all. Compiling the paper's model takes as long as
    thirty epochs of its training, so this is what makes several seeds cheap.

    Nothing is selected: a training is tested once, after its last step.

    Args:
        config: What to train; its data must fit on the device.
        source: The data set, with a test part.
        seeds: What it will be trained from.
    """

    def __init__(self, config, source: data.Source, seeds: Iterable[int]):
        config = config.copy_and_resolve_references()
        if config.runtime.deterministic:
            tf.config.experimental.enable_op_determinism()
        config.data.placement = "resident"
        strategy = distribution.make_strategy(config.runtime.strategy)
        source, build = started(config, source, build_model, say=lambda line: None)
        self._config, self._source = config, source
        self._trainer = Trainer(config, strategy, source, build)
        self._starts = {seed: self._trainer.initial_arrays(seed) for seed in seeds}
        self._logits = tf.function(self._logits_of_both, jit_compile=self._trainer.jit)
        self._test_batch = min(_TEST_BATCH, len(source.test))

    def compile(self) -> float:
        """Compiles step (for each size of images) and test; returns the seconds."""
        start = time.perf_counter()
        for first in {0, self._trainer.program.small_steps}:
            self._run(first, 1)
        self._test_logits(self._source.test.array[:1])
        return time.perf_counter() - start

    def train(self, seed: int) -> dict:
        """Trains from this seed's initial weights and tests the result.

        Returns:
            `seed`; `seconds` and `images_per_second` of training, without compiling and
            testing; `curve`, the training `loss` and `accuracy` of each epoch; `test`;
            with the mirrored image's logits added, `test_with_flip`; and with six
            views of each image, `test_with_views`, see `_views` and `summarize`.

        Raises:
            NonFiniteError: If loss or gradient isn't finite.
        """
        self._trainer.start(self._starts[seed], seed)
        per_epoch, epochs = self._trainer.steps_per_epoch, self._config.train.epochs
        start = time.perf_counter()
        curve = [self._run(epoch * per_epoch, per_epoch) for epoch in range(epochs)]
        self._trainer.settle()
        seconds = time.perf_counter() - start
        images = epochs * per_epoch * self._config.train.batch_size
        plain, both, views = self._test()
        return {
            "seed": seed,
            "seconds": seconds,
            "images_per_second": images / seconds,
            "curve": {
                name: [epoch[name] for epoch in curve] for name in ("loss", "accuracy")
            },
            "test": plain,
            "test_with_flip": both,
            "test_with_views": views,
        }

    def model(self) -> keras.Model:
        """The model as the last training left it, in float32."""
        model = saved_model(self._config, self._source)
        set_weights(model, *self._trainer.state.evaluation_arrays())
        return model

    def save(self, folder: RunFolder, result: Mapping) -> None:
        """Keeps the last training as a finished run, for all programs that take one.

        Args:
            folder: Where.
            result: What `train` returned.
        """
        config = configuration.with_absolute_paths(self._config)
        config.seed = result["seed"]
        folder.create()
        write_text(folder.config_file, configuration.to_json(config))
        folder.write_dataset(self._source)
        save_model(self.model(), folder.model_file)
        summary = {
            "epochs": config.train.epochs,
            "steps": config.train.epochs * self._trainer.steps_per_epoch,
            "seconds": result["seconds"],
            "images_per_second": result["images_per_second"],
            "metrics": {name: values[-1] for name, values in result["curve"].items()},
            "best": None,
            "parameters": self.parameters,
            "replicas": self._trainer.strategy.num_replicas_in_sync,
            "device": distribution.device_name(),
            "versions": versions(),
        }
        write_json(folder.summary_file, summary)

    def measured(self) -> dict:
        """Where the trained model looks, of test images whose boxes are known.

        Returns:
            `pointing` and `glimpses` of `evaluation.evaluate`, if there are such.
        """
        if self._source.test.boxes is None:
            return {}
        found = evaluate(self.model(), self._source.test, self._source.class_names)
        return {k: found[k] for k in ("pointing", "glimpses") if k in found}

    @property
    def multiplications(self) -> int:
        """For one image, in evaluation."""
        return multiplications(self._trainer.model)

    @property
    def parameters(self) -> int:
        """How many weights the model has."""
        return self._trainer.model.count_params()

    def _run(self, first: int, steps: int) -> dict[str, float]:
        """Steps in one call, and the wait for the last; their loss and accuracy."""
        self._trainer.state.reset_sums()
        sums, bad_step = self._trainer.program.train(None, first, steps)
        loss, correct, examples, *_ = sums.numpy().tolist()
        if int(bad_step) >= 0:
            raise NonFiniteError(
                f"Loss or gradient was not finite at step {int(bad_step)}; of this "
                "training nothing is kept. A lower optimizer.learning_rate may help."
            )
        return {"loss": loss / examples, "accuracy": correct / examples}

    def _test(self) -> tuple[dict, dict, dict]:
        """Results on the test part: plain, with the mirrored image, of six views."""
        split = self._source.test
        names = self._source.class_names
        found = tuple(Classification(len(names)) for _ in range(3))
        for first in range(0, len(split), self._test_batch):
            part = slice(first, first + self._test_batch)
            for result, logits in zip(
                found, self._views(split.array[part]), strict=True
            ):
                result.update(logits, split.labels[part])
        return tuple(summarize(result.result(names)) for result in found)

    def _views(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Logits `[B, K]`: plain, with the mirrored image, and of six views.

        These are airbench's (arXiv 2404.00498): image and mirror image count half,
        and the other half both of them moved by a pixel down and right, and up and
        left, the border reflected.
        """
        height, width = images.shape[1:3]
        padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
        plain, mirrored = self._test_logits(images)
        moved = [
            self._test_logits(padded[:, i : i + height, i : i + width])[1]
            for i in (0, 2)
        ]
        return plain, mirrored, mirrored / 2 + sum(moved) / 4

    def _test_logits(self, images: np.ndarray) -> list[np.ndarray]:
        """Logits `[B, K]`, plain and with the mirrored image; one compiled shape."""
        short = [(0, self._test_batch - len(images)), (0, 0), (0, 0), (0, 0)]
        weights, local = self._trainer.state.read_for_evaluation()
        both = self._logits(weights, local, tf.constant(np.pad(images, short)))
        return [logits.numpy()[: len(images)] for logits in both]

    def _logits_of_both(self, weights, local, images):
        images = tf.cast(images, tf.float32)
        model = self._trainer.model
        others = with_seeds(model, local)
        plain, mirrored = (
            model.stateless_call(weights, others, x, training=False)[0]
            for x in (images, tf.reverse(images, [2]))
        )
        return plain, (plain + mirrored) / 2


def summarize(result: dict) -> dict[str, float]:
    """Of what `Classification.result` returns, the numbers of a table.

    Returns:
        `top1`, `top5` (of more than 5 classes), `nll` in nats, `ece`: means over the
        test part; and `examples`, how many there are.
    """
    names = ("examples", "top1", "top5", "nll", "ece")
    return {name: result[name] for name in names if name in result}


def mean_and_deviation(values: Sequence[float]) -> dict[str, float]:
    """The mean over seeds, and their standard deviation (0 of one seed)."""
    return {
        "mean": statistics.mean(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
    }


def check(config, source: data.Source) -> None:
    """Refuses images that a `SeedTrainer` couldn't train this config on.

    Raises:
        SettingError: Naming the setting that doesn't fit them.
    """
    # What is neither done nor part of a result.
    if config.train.early_stopping:
        raise SettingError(
            "train.early_stopping",
            config.train.early_stopping,
            "0: each training takes all its epochs, and nothing is selected",
        )
    for tracker in ("mlflow", "wandb"):
        if config.log[tracker]:
            raise SettingError(
                f"log.{tracker}",
                config.log[tracker],
                "'': these trainings are files, which no tracker gets",
            )
    data.steps_per_epoch(source.train, config.train.batch_size)
    check_sides(config.augment, source.image_shape)
    check_images(config, source)


def load(config) -> data.Source:
    """The data; with a validation part, that stands in the place of the test part.

    So settings are chosen with `data.validation_examples` above 0, and the test part is
    not even loaded into the trainer.

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
