"""What a trained model teaches another one, beside the labels (arXiv 1503.02531)."""

import functools

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.training.distribution import variable_per_replica
from ltpa_tf.training.network import select_kernels
from ltpa_tf.training.warm_start import other_model

_TEACHER = "train.teacher"


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

    Args:
        config: The whole config.
        source: The data.
        strategy: The strategy.
        jit: Whether XLA compiles.

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
