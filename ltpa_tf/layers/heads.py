"""Heads: from the attended descriptors of all levels to one prediction."""

import itertools
import math

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.preactivation import BATCH_NORM, before_linear


class _Head(keras.layers.Layer):
    """What both heads share.

    Every descriptor passes its own `before` (batch norm, ReLU, dropout in the paper's
    form). The linear layers are float32, so logits are.
    """

    def __init__(
        self,
        num_classes: int,
        projection: str = "paper",
        batch_norm: bool = True,
        dropout: float = 0.5,
        logit_scale: float = 1.0,
        epsilon: float = BATCH_NORM["epsilon"],
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_classes < 2:
            raise SettingError("num_classes", num_classes, "2 or more")
        if not 0 < logit_scale < math.inf:
            raise SettingError("logit_scale", logit_scale, "a number above 0")
        self.num_classes = num_classes
        self.logit_scale = logit_scale
        self.projection = projection
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.epsilon = epsilon
        # Refuses wrong ones.
        before_linear(projection, dropout=dropout, epsilon=epsilon)

    def build(self, descriptors_shape):
        shapes = list(descriptors_shape or ())
        ranks = [len(s) if isinstance(s, list | tuple) else 0 for s in shapes]
        if not shapes or set(ranks) != {2}:
            raise SettingError(
                "descriptors",
                descriptors_shape,
                "a list of tensors [B, C], one a level",
            )
        self.before = [
            before_linear(
                self.projection,
                batch_norm=self.batch_norm,
                dropout=self.dropout,
                epsilon=self.epsilon,
                dtype=self.dtype_policy,
            )
            for _ in shapes
        ]
        for before, shape in zip(self.before, shapes, strict=True):
            before.build(shape)
        inputs = self.linear_inputs(shapes)
        self.linear = [
            keras.layers.Dense(self.num_classes, dtype="float32") for _ in inputs
        ]
        for linear, channels in zip(self.linear, inputs, strict=True):
            linear.build((None, channels))
        super().build(descriptors_shape)

    def call(self, descriptors):
        return self.predict(self.prepared(descriptors))

    def prepared(self, descriptors):
        """The descriptors after their `before`."""
        return [
            before(descriptor)
            for before, descriptor in zip(self.before, descriptors, strict=True)
        ]

    def linear_around(self, descriptors, classes):
        """The head linearized at these descriptors, at inference, for one class each.

        Linear, or piecewise linear with the paper's projection: the class's logit is
        `sum_s <slope_s, descriptor_s> + bias`. Of an `IndepHead`, whose levels are
        averaged as probabilities, every level has such a logit, with its own bias.

        Args:
            descriptors: A list of tensors `[B, C_s]`, one per level.
            classes: int `[B]`.

        Returns:
            A list of slopes, float32 `[B, C_s]`, and the biases, float32 `[B, 1]`, or
            `[B, S]` of S levels.
        """
        slopes, shifts = [], []
        for before, descriptor in zip(self.before, descriptors, strict=True):
            if self.projection == "paper":
                slope, shift = before.linear_around(descriptor)
            else:
                ones = keras.ops.ones_like(descriptor, dtype="float32")
                slope, shift = ones, 0 * ones
            slopes.append(slope)
            shifts.append(shift)
        kernels = [
            keras.ops.take(keras.ops.transpose(linear.kernel), classes, axis=0)
            for linear in self.linear
        ]
        biases = [keras.ops.take(linear.bias, classes) for linear in self.linear]
        per_level = self.per_level(kernels, [slope.shape[-1] for slope in slopes])
        weighted = [
            self.logit_scale * keras.ops.sum(kernel * shift, axis=-1)
            for kernel, shift in zip(per_level, shifts, strict=True)
        ]
        bias = self.logit_scale * keras.ops.stack(biases, axis=-1)
        shared = keras.ops.stack(weighted, axis=-1)
        if len(biases) == 1:
            shared = keras.ops.sum(shared, axis=-1, keepdims=True)
        slopes = [
            self.logit_scale * kernel * slope
            for kernel, slope in zip(per_level, slopes, strict=True)
        ]
        return slopes, bias + shared

    def per_level(self, kernels, channels):
        """One tensor `[B, C_s]` for each level, of one for each linear layer."""
        return kernels

    def linear_inputs(self, shapes) -> list[int]:
        """Channels that each linear layer takes."""
        raise NotImplementedError

    def predict(self, descriptors):
        """float32 `[B, num_classes]` of the descriptors after their `before`."""
        raise NotImplementedError

    def compute_output_shape(self, descriptors_shape):
        return (descriptors_shape[0][0], self.num_classes)

    def compute_output_spec(self, descriptors):
        shape = self.compute_output_shape([d.shape for d in descriptors])
        return keras.KerasTensor(shape, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "projection": self.projection,
            "batch_norm": self.batch_norm,
            "dropout": self.dropout,
            "logit_scale": self.logit_scale,
            "epsilon": self.epsilon,
        }

    @classmethod
    def from_config(cls, config):
        if "classes" in config:  # as 0.1.0 called it
            config = dict(config)
            config["num_classes"] = config.pop("classes")
        return super().from_config(config)


@keras.saving.register_keras_serializable(package="ltpa_tf")
class ConcatHead(_Head):
    """One linear layer over the concatenated descriptors (the paper's "concat").

    Args:
        num_classes: Number of classes, 2 or more.
        projection: `"paper"`: each descriptor first passes a batch norm, ReLU and
            dropout of its own, as in the authors' code; `"linear"`: it doesn't.
        batch_norm: Whether the paper's form has its batch norm.
        dropout: Rate of the paper's form.
        logit_scale: Multiplies what the linear layer gives. Plain gradient descent then
            moves the logits slower, by its square, than with 1, the paper's.
        epsilon: Of the paper's batch norm; the authors' code has 1e-5.
        **kwargs: As for every Keras layer.

    Call arguments:
        descriptors: A list of tensors `[B, C_s]`, one per level.

    Output:
        float32 `[B, num_classes]`, the logits.

    Example:
        >>> head = layers.ConcatHead(10, projection="linear")
        >>> head([keras.Input((256,)), keras.Input((512,))]).shape, head.count_params()
        ((None, 10), 7690)
    """

    def linear_inputs(self, shapes):
        return [sum(shape[-1] for shape in shapes)]

    def per_level(self, kernels, channels):
        ends = [0, *itertools.accumulate(channels)]
        return [kernels[0][:, i:j] for i, j in itertools.pairwise(ends)]

    def predict(self, descriptors):
        logits = self.linear[0](keras.ops.concatenate(descriptors, axis=-1))
        return logits * self.logit_scale


@keras.saving.register_keras_serializable(package="ltpa_tf")
class IndepHead(_Head):
    """One linear layer per level, their probabilities averaged (the paper's "indep").

    Returned are log-probabilities, `log(mean_s softmax(z_s))`. They are logits too:
    their softmax is the averaged probabilities, because these sum to 1. So one
    cross-entropy "from logits" serves both heads. (The authors' code has two other
    definitions of "indep"; this is the paper's text, section 3.2.)

    Args:
        num_classes: Number of classes, 2 or more.
        projection: `"paper"`: each descriptor first passes a batch norm, ReLU and
            dropout of its own, as in the authors' code; `"linear"`: it doesn't.
        batch_norm: Whether the paper's form has its batch norm.
        dropout: Rate of the paper's form.
        logit_scale: Multiplies what the linear layer gives. Plain gradient descent then
            moves the logits slower, by its square, than with 1, the paper's.
        epsilon: Of the paper's batch norm; the authors' code has 1e-5.
        **kwargs: As for every Keras layer.

    Call arguments:
        descriptors: A list of tensors `[B, C_s]`, one per level.

    Output:
        float32 `[B, num_classes]`, log-probabilities, in log space throughout. Keras's
        `F1Score` and `FBetaScore` read probabilities, their `exp`: a sure answer's 0
        counts as none there.

    Example:
        >>> head = layers.IndepHead(10, projection="linear")
        >>> probabilities = np.exp(head([np.ones((2, 256)), np.ones((2, 512))]))
        >>> probabilities.sum(axis=1).round(5)
        array([1., 1.], dtype=float32)
    """

    def linear_inputs(self, shapes):
        return [shape[-1] for shape in shapes]

    def predict(self, descriptors):
        return self._averaged(self._by_level(descriptors))

    def with_levels(self, descriptors):
        """What `call` gives, and what it is made of, for deep supervision.

        Args:
            descriptors: As for a call.

        Returns:
            The output, and a list of each level's log-probabilities, float32
            `[B, num_classes]`.
        """
        by_level = self._by_level(self.prepared(descriptors))
        return self._averaged(by_level), by_level

    def _by_level(self, descriptors):
        return [
            keras.ops.log_softmax(linear(descriptor) * self.logit_scale)
            for linear, descriptor in zip(self.linear, descriptors, strict=True)
        ]

    def _averaged(self, by_level):
        total = keras.ops.logsumexp(keras.ops.stack(by_level), axis=0)
        return total - math.log(len(by_level))


HEADS: dict[str, type[_Head]] = {"concat": ConcatHead, "indep": IndepHead}
