"""What a run takes from a trained model: first weights, normalization, a teacher.

A teacher's probabilities are learned beside the labels: knowledge distillation (Hinton
et al., arXiv 1503.02531).
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import data, models
from ltpa_tf.distribution import variable_per_replica
from ltpa_tf.errors import SettingError, renamed
from ltpa_tf.model_file import read_model
from ltpa_tf.run import opened
from ltpa_tf.stores import is_remote
from ltpa_tf.training.model import Build
from ltpa_tf.training.network import select_kernels

_INIT_FROM, _TEACHER = "train.init_from", "train.teacher"


def started(
    config: ConfigDict,
    source: data.Source,
    build: Build,
    say: Callable[[str], None] = print,
) -> tuple[data.Source, Build]:
    """What a run trains on and with, if it begins as `train.init_from` says.

    Returns:
        The data as the model normalizes it, see `train.keep_normalization`, and what
        makes the model with its first weights.

    Raises:
        SettingError: If there is nothing to begin with.
    """
    if not config.train.init_from:
        return source, build
    start = WarmStart(config.train.init_from)
    if config.train.keep_normalization:
        source = start.normalized(source, say)
    return source, start.warmed(build, say)


class WarmStart:
    """Another model, whose weights new ones begin with.

    Args:
        place: The folder of a finished run, whose final model is taken, a `.keras`
            file, or a preset's name or folder.

    Raises:
        SettingError: If there is no such model.
    """

    def __init__(self, place: str):
        self._place = place
        self._model, self._class_names = other_model(place, _INIT_FROM)

    def warmed(self, build: Build, say: Callable[[str], None]) -> Build:
        """`build`, with the other model's weights, see `give_weights`."""

        def warmed(config: ConfigDict, source: data.Source) -> keras.Model:
            model = build(config, source)
            new = self.give_weights(model, source.class_names)
            others = f"; new are those of {', '.join(new)}." if new else "."
            say(f"Starting from the weights of {self._place}{others}")
            return model

        return warmed

    def give_weights(
        self, model: keras.Model, class_names: Sequence[str] | None = None
    ) -> list[str]:
        """Gives a new model the weights, see `ltpa_tf.models.transfer_weights`.

        Where the classes are known to be others, the last layer with weights stays as
        it is, even if there are as many of them.

        Args:
            model: The new model.
            class_names: Its classes; None: unknown.

        Returns:
            The names of the layers that stayed as they were.

        Raises:
            SettingError: If the two have no layer in common.
        """
        leave = []
        names = self._class_names
        if None not in (names, class_names) and list(names) != list(class_names):
            leave = [layer.name for layer in model.layers if layer.weights][-1:]
        new = models.transfer_weights(model, self._model, leave)
        if new is None:
            raise SettingError(
                _INIT_FROM,
                self._place,
                "a model with layers of the same names and shapes",
            )
        return new

    def normalized(
        self, source: data.Source, say: Callable[[str], None]
    ) -> data.Source:
        """The data, its pixels normalized as the weights know them.

        It stays as it is where the other model doesn't tell how it normalizes, or has
        another number of channels.
        """
        known = models.normalization_of(self._model)
        if known in (None, (source.mean, source.std)):
            return source
        mean, std = known
        if len(mean) != len(source.mean):
            return source
        say(f"Pixels are normalized as {self._place} does it, not by this data's mean.")
        return dataclasses.replace(source, mean=mean, std=std)


class Teacher:
    """Makes targets of a model's probabilities and the labels.

    It sees each image as the student does, after augmentation (arXiv 2106.05237), but
    at full size. Its weights are in each replica's memory and go into a step as its
    images do, so that XLA compiles both models as one.

    Args:
        model: Takes pixel values and gives logits `[B, K]`. It is called in inference
            mode, under the dtype policy that is set.
        weight: What its probabilities count, of 1.
        strategy: The strategy.
        jit: Whether XLA compiles.
    """

    def __init__(
        self,
        model: keras.Model,
        weight: float,
        strategy: tf.distribute.Strategy,
        *,
        jit: bool,
    ):
        policy = keras.config.dtype_policy().name
        live = models.prune(models.with_policy(model, policy))
        select_kernels(live, jit)
        self._call = functools.partial(live.stateless_call, training=False)
        self._weight = weight
        with strategy.scope():
            self._variables = [
                [variable_per_replica(keras.ops.convert_to_numpy(v)) for v in part]
                for part in (live.trainable_variables, live.non_trainable_variables)
            ]

    def held(self) -> list[list[tf.Tensor]]:
        """What a replica hands to `targets`; to be called in it, outside XLA."""
        return [[v.read_value() for v in part] for part in self._variables]

    def targets(
        self, images: tf.Tensor, labels: tf.Tensor, held: list[list[tf.Tensor]]
    ) -> tf.Tensor:
        """The probabilities to learn: float32 `[b, K]`.

        Args:
            images: `[b, H, W, C]`, pixel values.
            labels: float32 `[b, K]`, probabilities.
            held: What `held` gave.
        """
        logits, _ = self._call(*held, tf.cast(images, tf.float32))
        taught = tf.nn.softmax(tf.cast(logits, tf.float32))
        return (1 - self._weight) * labels + self._weight * taught


def make_teacher(
    config: ConfigDict,
    source: data.Source,
    strategy: tf.distribute.Strategy,
    *,
    jit: bool,
) -> Teacher | None:
    """The teacher of `train.teacher`, or None.

    Raises:
        SettingError: If there is no such model, or it doesn't fit the data.
    """
    place = config.train.teacher
    if not place:
        return None
    model, names = other_model(place, _TEACHER)
    takes = model.input_shape
    if len(takes) != 4 or any(
        one not in (None, other)
        for one, other in zip(takes[1:], source.image_shape, strict=True)
    ):
        shape = "x".join(map(str, source.image_shape))
        raise SettingError(_TEACHER, place, f"a model that takes images of {shape}")
    classes = len(source.class_names)
    if model.output_shape != (None, classes):
        raise SettingError(_TEACHER, place, f"a model of {classes} classes")
    if names is not None and list(names) != list(source.class_names):
        raise SettingError(_TEACHER, place, "a model of this data's own classes")
    return Teacher(model, config.train.teacher_weight, strategy, jit=jit)


def other_model(place: str, setting: str) -> tuple[keras.Model, list[str] | None]:
    """A trained model, and the names of its classes where they are known.

    Args:
        place: The folder of a finished run, whose final model is taken, a `.keras`
            file, or a preset's name or folder.
        setting: What it was given by.

    Raises:
        SettingError: If there is no such model.
    """
    path = Path(place)
    if models.is_preset(place):
        # It sees training images, which are as soft as its own were.
        model = models.from_preset(place, soften=False)
        return model, models.preset_metadata(place)["class_names"]
    if path.suffix == ".keras" and path.is_file():
        return read_model(path), None
    if path.is_dir() or is_remote(place):
        with renamed("--workdir", setting), opened(place) as folder:
            return folder.load_model(), folder.read_dataset()["class_names"]
    raise SettingError(
        setting,
        place,
        "the folder of a finished run, a .keras file, or a preset's name or folder",
    )
