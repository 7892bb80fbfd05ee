"""The attention estimator: scores, map and attended descriptor of one level."""

import math
import re

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.compatibility import COMPATIBILITIES
from ltpa_tf.layers.hard import choice_spec
from ltpa_tf.layers.normalizations import NORMALIZATIONS, check_hard, pooling
from ltpa_tf.words import one_of


@keras.saving.register_keras_serializable(package="ltpa_tf")
class AttentionEstimator(keras.layers.Layer):
    """Attends to the local features of one level (section 3 of the paper).

        c_i = compatibility(l_i, g)        scores
        a   = normalization(c)             attention map
        g_a = sum_i a_i l_i                attended descriptor (softmax)
        g_a = mean_i a_i l_i               attended descriptor (sigmoid)

    Soft attention takes a share of every position. Hard attention sees k positions and
    nothing of the others: `SampledPooling` and `TopKPooling` say how they are chosen in
    training, and how that is learned.

    `"pc"` and `"dp"` need as many channels in l as in g: project one of them with
    `ChannelMatching`. If it is l, give the projection as `keys`: it is then compared
    with g, while the original l is what is attended to, as in the paper.

    With `"pc"` and a softmax, g changes neither map nor descriptor: `<u, l_i + g>` is
    `<u, l_i> + <u, g>`, the second summand is the same at every position, and a softmax
    cancels it. Hence `needs_global` is False and g may be left out of the call. Of hard
    attention the same is true.

    Args:
        compatibility: `"pc"` `<u, l + g>`; `"dp"` `<l, g>`; `"local"` `<u, l>`;
            `"additive"` `v^T relu(W_l l + W_g g)`.
        normalization: `"softmax"` over all positions, or `"sigmoid"`; hard are
            `"sampled"` and `"topk"`.
        initializer: Of the compatibility's weights; `"dp"` has none. See
            `LocalCompatibility` for the choice.
        level: Number of the convolution whose features are attended to, if it has one;
            the layer's name is then `level_N`.
        positions: How many positions hard attention chooses; None with a soft one.
        score_scale: Multiplies the scores: one over a softmax's temperature. The
            Transformer's dot products have `C**-0.5` (arXiv 1706.03762, section 3.2.1),
            the paper's 1. With `"pc"` and `"local"` gradient descent then moves `u` as
            if it started `score_scale` times as large, at the square of that times the
            learning rate.
        **kwargs: As for every Keras layer.

    Call arguments:
        local: `[B, H, W, C]`, the level's features. H and W may be unknown.
        global_feature: `[B, C_g]`, the global feature; optional if not `needs_global`.
        keys: `[B, H, W, C_k]`, what is compared with g; `local` by default.
        training: Whether hard attention chooses at random.
        samples: S, of an estimator that `chooses`: how many choices to draw for each
            image. The output then has a fourth part, see `layers.choices`, and S rows
            in `attended` and `attention` for each image.

    Output:
        A tuple `(attended, scores, attention)`: `[B, C]` in the policy's compute dtype;
        `[B, H, W]` and `[B, H, W]`, float32 under every policy.

    Example:
        >>> estimator = layers.AttentionEstimator("dp")
        >>> local, global_feature = keras.Input((16, 16, 64)), keras.Input((64,))
        >>> attended, scores, attention = estimator(local, global_feature)
        >>> attended.shape, attention.shape
        ((None, 64), (None, 16, 16))
    """

    def __init__(
        self,
        compatibility: str = "pc",
        normalization: str = "softmax",
        initializer="glorot_normal",
        level: int | None = None,
        positions: int | None = None,
        score_scale: float = 1.0,
        **kwargs,
    ):
        if level is not None:
            kwargs.setdefault("name", f"level_{level}")
        super().__init__(autocast=False, **kwargs)  # each part casts for itself
        if compatibility not in COMPATIBILITIES:
            raise SettingError("compatibility", compatibility, one_of(COMPATIBILITIES))
        if normalization not in NORMALIZATIONS:
            raise SettingError("normalization", normalization, one_of(NORMALIZATIONS))
        check_hard(normalization, positions)
        if not 0 < score_scale < math.inf:
            raise SettingError("score_scale", score_scale, "a number above 0")
        self.positions = positions
        self.score_scale = score_scale
        self.compatibility = compatibility
        self.normalization = normalization
        self.level = level
        self.initializer = keras.initializers.get(initializer)
        scoring = COMPATIBILITIES[compatibility]
        weights = {"initializer": self.initializer} if scoring.takes_initializer else {}
        self.scoring = scoring(**weights, name="scoring", dtype=self.dtype_policy)
        self.pooling = pooling(
            normalization, positions, name="pooling", dtype=self.dtype_policy
        )

    @property
    def chooses(self) -> bool:
        """Whether its choice learns from rewards, see `ltpa_tf.layers.choices`."""
        return self.pooling.chooses

    @property
    def needs_global(self) -> bool:
        """Whether map and descriptor depend on the global feature at all."""
        effect = self.scoring.global_effect
        return effect == "full" or (
            effect == "shift" and not self.pooling.shift_invariant
        )

    def build(self, local_shape, global_feature_shape=None, keys_shape=None):
        self._check_global(global_feature_shape)
        self.scoring.build(keys_shape or local_shape, global_feature_shape)
        self.pooling.build(tuple((keys_shape or local_shape)[:3]), local_shape)
        super().build(local_shape)

    def call(self, local, global_feature=None, keys=None, training=None, samples=None):
        self._check_global(global_feature)
        scores = self.scoring(local if keys is None else keys, global_feature)
        if self.score_scale != 1:
            scores = scores * self.score_scale
        settings = {"training": training} if self.pooling.hard else {}
        if samples is not None:
            settings["samples"] = samples
        attended, attention, *choice = self.pooling(scores, local, **settings)
        return attended, scores, attention, *choice

    def compute_output_shape(
        self, local_shape, global_feature_shape=None, keys_shape=None
    ):
        positions = tuple(local_shape[:3])
        return (local_shape[0], local_shape[-1]), positions, positions

    def compute_output_spec(
        self, local, global_feature=None, keys=None, training=None, samples=None
    ):
        attended, scores, attention = self.compute_output_shape(local.shape)
        outputs = (
            keras.KerasTensor(attended, self.compute_dtype),
            keras.KerasTensor(scores, "float32"),
            keras.KerasTensor(attention, "float32"),
        )
        if samples is None:
            return outputs
        return *outputs, choice_spec(local.shape[0], samples)

    def _check_global(self, global_feature):
        if global_feature is None and self.needs_global:
            raise SettingError(
                "global_feature",
                None,
                f"a tensor: {self.compatibility} with {self.normalization} needs it",
            )

    def get_config(self):
        return {
            **super().get_config(),
            "compatibility": self.compatibility,
            "normalization": self.normalization,
            "initializer": keras.initializers.serialize(self.initializer),
            "level": self.level,
            "positions": self.positions,
            "score_scale": self.score_scale,
        }

    @classmethod
    def from_config(cls, config):
        # In 0.1.0 the name alone told the level.
        of_name = re.fullmatch(r"level_(\d+)", config.get("name", ""))
        if "level" not in config and of_name:
            config = {**config, "level": int(of_name[1])}
        return super().from_config(config)
