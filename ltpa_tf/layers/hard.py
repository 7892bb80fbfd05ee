"""Hard attention: k positions are chosen, and the others are not seen at all."""

from typing import ClassVar

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import choices
from ltpa_tf.layers.pooling import AttentionPooling

_REGISTER = keras.saving.register_keras_serializable(package="ltpa_tf")


class HardPooling(AttentionPooling):
    """What poolings over chosen positions share; use one of the subclasses.

        a_i = 1 / k  at k positions, 0 elsewhere
        g_a = sum_i a_i l_i, the mean of the chosen features

    While training the choice is random; otherwise it is the most probable one, the k
    positions of the largest scores, of equal ones the first. With k = n it is mean
    pooling.

    Args:
        positions: k, from 1 to the level's number of positions.
        **kwargs: As for every Keras layer.

    Call arguments:
        scores: `[B, H, W]`, the compatibility scores `c_i`.
        local: `[B, H, W, C]`, the local features `l_i`.
        training: Whether to choose at random.

    Output:
        As of `AttentionPooling`.

    Example:
        >>> issubclass(layers.NORMALIZATIONS["topk"], layers.HardPooling)
        True
    """

    shift_invariant = True
    hard: ClassVar[bool] = True

    def __init__(self, positions: int = 1, **kwargs):
        super().__init__(**kwargs)
        check_positions(positions)
        self.positions = positions
        self.noise = keras.random.SeedGenerator()

    def build(self, scores_shape, local_shape):
        super().build(scores_shape, local_shape)
        check_positions(self.positions, *local_shape[1:3])

    def normalize(self, scores):
        """The most probable choice."""
        return self._map(self._most(scores), scores)

    def _most(self, scores):
        count = keras.ops.shape(scores)[-1]
        if isinstance(count, int):
            check_positions(self.positions, count, 1)
        return choices.most(scores, self.positions)

    def _drawn(self, scores, samples=1):
        """Scores with noise, float32 `[B, samples, n]`."""
        batch, _, count = keras.ops.shape(scores)
        return scores + choices.gumbel((batch, samples, count), self.noise)

    def _map(self, chosen, scores):
        return choices.marks(chosen, keras.ops.shape(scores)[-1]) / self.positions

    def get_config(self):
        return {**super().get_config(), "positions": self.positions}


@_REGISTER
class TopKPooling(HardPooling):
    """The k largest scores, trained by a straight-through gradient.

    In training Gumbel noise is added to the scores, so that the k largest are k draws
    without replacement, and the gradient of the map is taken to be that of the softmax
    of the same noisy scores,

        a = hard + softmax(c + G) - stop_gradient(softmax(c + G)),

    the straight-through Gumbel-softmax of Jang et al. (arXiv 1611.01144, section 2.2)
    for k positions, at temperature 1. A biased gradient of little variance.

    Example:
        >>> scores = np.array([[[3.0, 1.0, 2.0]]])
        >>> local = np.array([[[[1.0], [10.0], [5.0]]]])
        >>> descriptor, attention = layers.TopKPooling(positions=2)(scores, local)
        >>> np.asarray(attention), np.asarray(descriptor)
        (array([[[0.5, 0. , 0.5]]], dtype=float32), array([[3.]], dtype=float32))
    """

    def call(self, scores, local, training=None):
        scores = self.flat(scores)
        if not training:
            return self.attend(self.normalize(scores), local)
        noisy = self._drawn(scores)
        soft = keras.ops.softmax(noisy, axis=-1)
        soft = soft - keras.ops.stop_gradient(soft)  # 0, but for its gradient
        return self.attend(self._map(self._most(noisy), scores) + soft, local)


@_REGISTER
class SampledPooling(HardPooling):
    """k positions drawn by the softmax of the scores, trained by REINFORCE.

    The draws are without replacement (`layers.choices`). No gradient goes through the
    map: the scores learn from what came of the choice, which only the training's loss
    knows, see `ltpa_tf.models.training_model`. After Xu et al., "Show, Attend and Tell"
    (arXiv 1502.03044, section 4.1), whose choice is one position. The baseline is a
    linear function of the mean of the local features, which do not learn from it; of
    unit length, so that it learns at whatever rate the model does.

    Call arguments:
        samples: S, how many choices to draw for each image; the output then has a
            third part, the `choice`, and S rows for each image, one after the other.

    Example:
        >>> pooling = layers.SampledPooling(positions=4)
        >>> scores, local = np.zeros((2, 8, 8)), np.ones((2, 8, 8, 16))
        >>> descriptors, attention, choice = pooling(scores, local, samples=3)
        >>> descriptors.shape, choice["log_probability"].shape
        (TensorShape([6, 16]), TensorShape([2, 3, 1]))
    """

    chooses = True

    def build(self, scores_shape, local_shape):
        self.expected = keras.layers.Dense(
            1, kernel_initializer="zeros", name="baseline", dtype="float32"
        )
        self.expected.build((None, local_shape[-1]))
        super().build(scores_shape, local_shape)

    def call(self, scores, local, training=None, samples=None):
        scores = self.flat(scores)
        if not training and samples is None:
            return self.attend(self.normalize(scores), local)
        chosen = self._most(self._drawn(scores, samples or 1))
        outputs = self.attend(self._map(chosen, scores), local)
        if samples is None:
            return outputs
        mean = keras.ops.mean(keras.ops.cast(local, "float32"), axis=(1, 2))
        mean = keras.ops.stop_gradient(keras.ops.normalize(mean))
        choice = {
            "log_probability": choices.log_probability(scores, chosen)[..., None],
            "baseline": self.expected(mean)[..., None],
            "entropy": choices.entropy(scores)[..., None],
        }
        return *outputs, choice

    def compute_output_spec(self, scores, local, training=None, samples=None):
        outputs = super().compute_output_spec(scores, local)
        if samples is None:
            return outputs
        return *outputs, choice_spec(local.shape[0], samples)


def choice_spec(batch: int | None, samples: int, choices: int = 1) -> choices.Choice:
    """What a choice looks like where its baseline and entropy aren't the samples'."""
    return {
        name: keras.KerasTensor((batch, count, choices), "float32")
        for name, count in (
            ("log_probability", samples),
            ("baseline", 1),
            ("entropy", 1),
        )
    }


def check_positions(positions, height: int | None = None, width: int | None = None):
    """Refuses a number of positions that can't be chosen.

    Args:
        positions: k.
        height: Of the level's grid; None: unknown.
        width: Likewise.

    Raises:
        SettingError: Naming `positions`.
    """
    whole = isinstance(positions, int) and not isinstance(positions, bool)
    if not whole or positions < 1:
        raise SettingError("positions", positions, "a whole number from 1")
    if height and width and positions > height * width:
        raise SettingError(
            "positions",
            positions,
            f"1 to {height * width}, the positions of the level ({height}x{width})",
        )
