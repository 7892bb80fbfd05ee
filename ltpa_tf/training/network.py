"""The model as a pure function, without the parts that can't change its output."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ltpa_tf import models


class Network:
    """Logits and new state from a model's values, as far as they matter.

    In a model with pc scores and softmax maps the branch of the global feature cancels
    (see `ltpa_tf.models.attention_vgg`). Its gradient is exactly zero, but computed by
    autodiff it is rounding noise and costs time. Here the branch is left out: its
    weights have a gradient of zero, its batch norm keeps its statistics.

    Args:
        model: A functional model; used for its graph, its variables are not read.
    """

    def __init__(self, model: keras.Model):
        self._live = models.prune(model)
        self._trainable = _places(
            self._live.trainable_variables, model.trainable_variables
        )
        self._others = _places(
            self._live.non_trainable_variables, model.non_trainable_variables
        )

    def __call__(
        self, trainable: list, others: list, images: tf.Tensor
    ) -> tuple[tf.Tensor, list]:
        """A training call.

        Args:
            trainable: Values of the model's `trainable_variables`.
            others: Values of its `non_trainable_variables`.
            images: float32 `[b, H, W, 3]`, pixel values.

        Returns:
            The logits, and the new values of `non_trainable_variables`.
        """
        logits, found = self._live.stateless_call(
            [trainable[i] for i in self._trainable],
            [others[i] for i in self._others],
            images,
            training=True,
        )
        after = list(others)
        for place, value in zip(self._others, found, strict=True):
            after[place] = value
        return logits, after


def _places(some: Sequence, of: Sequence) -> list[int]:
    """Where each variable stands."""
    place = {id(variable): i for i, variable in enumerate(of)}
    return [place[id(variable)] for variable in some]
