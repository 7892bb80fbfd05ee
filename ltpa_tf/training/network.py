"""The model as a pure function, without the parts that can't change its output."""

import functools

import keras
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.training.segments import Segments, places


class Network:
    """Logits and new state from a model's values, as far as they matter.

    In a model with pc scores and softmax maps the branch of the global feature cancels
    (see `ltpa_tf.models.AttentionVGG`). Its gradient is exactly zero, but computed by
    autodiff it is rounding noise and costs time. Here the branch is left out: its
    weights have a gradient of zero, its batch norm keeps its statistics.

    Args:
        model: A functional model; used for its graph, its variables are not read.
        recompute: Convolutions per segment whose features are computed again in the
            backward pass; 0 = all features are kept for it.
        any_size: Whether images may have another size than the model's own.
    """

    def __init__(
        self, model: keras.Model, recompute: int = 0, *, any_size: bool = False
    ):
        live = models.prune(model)
        if any_size:
            live = models.of_any_size(live)
        self._trainable = places(live.trainable_variables, model.trainable_variables)
        self._others = places(
            live.non_trainable_variables, model.non_trainable_variables
        )
        self._call = functools.partial(live.stateless_call, training=True)
        if recompute:
            self._call = Segments(live, recompute)

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
        logits, found = self._call(
            [trainable[i] for i in self._trainable],
            [others[i] for i in self._others],
            images,
        )
        after = list(others)
        for place, value in zip(self._others, found, strict=True):
            after[place] = value
        return logits, after
