"""VGG with the paper's attention, and its controls without."""

from collections.abc import Mapping, Sequence

import keras

from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.models.attention import attention_logits
from ltpa_tf.models.configured import Configured
from ltpa_tf.models.gates import Gates
from ltpa_tf.models.inputs import normalized
from ltpa_tf.models.settings import check_data, checked
from ltpa_tf.models.trunks import (
    TRUNKS,
    fully_connected,
    pooled_globally,
    scaled,
    trunk_features,
)
from ltpa_tf.models.views import attention_layers


@keras.saving.register_keras_serializable(package="ltpa_tf")
class AttentionVGG(Configured):
    """A VGG whose prediction rests on attended local features alone.

    "Learn to Pay Attention" (arXiv 1804.02391), section 3 and figure 2. The trunk's
    last features make the global feature g; at each level an `AttentionEstimator`
    compares the local features with g; the head classifies from the attended
    descriptors of all levels and never sees g itself.

    With `"pc"` and `"softmax"` the maps do not depend on g (see `AttentionEstimator`).
    Everything that feeds g alone, in the paper's model conv14, conv15, the global
    feature's linear layer and the projection, 5.1 of 19.97 M parameters, then never
    receives a gradient and never changes the output. The paper's model is built whole
    here; `ltpa_tf.models.prune` cuts that branch out.

    **Global feature.** `"fc"`: dropout and a linear layer of 512 on the last pool's
    output. Where that is larger than 1x1, which with 32x32 images it never is, it is
    averaged over its positions first; so weights move between image sizes. `"gap"`: the
    mean over positions of the last level's features, before their pool; `"max"`: their
    largest, as in airbench (arXiv 2404.00498).

    **Controls.** `levels=()` is the same trunk without attention: the head on g.
    `trunk="vgg_d", levels=()` is then the paper's plain VGG (15.0 M parameters), and
    `global_feature="gap", projection="linear"` its VGG-GAP, for class activation maps.
    `levels=(10, 13), gates=(10,)` is its VGG-PAN, progressive attention (Seo et al.,
    arXiv 1606.02393), with which it compares itself.

    Args:
        image_shape: `(height, width, channels)`. Height and width from 32 up, or None
            for any.
        num_classes: Number of classes, 2 or more.
        trunk: `"paper"`, `"vgg_d"`, `"vgg_e"`, `"fast"` or `"faster"`: the paper's own,
            a VGG configuration with its pools in place, or one for short trainings,
            whose `Whitening` wants to be adapted to the training images.
        levels: Numbers of the convolutions that are attended to, 1 to 13 (1 to 16 in
            `"vgg_e"`, 1 to 9 in `"fast"`, 1 to 6 in `"faster"`); sorted, and duplicates
            count once. `()`: no attention.
        gates: Those of the levels whose map gates the features that go on, instead of
            attending to them for the head; see `Gates`. The last level can't be one.
        tap: `"before_pool"` (the paper) or `"after_pool"`: where a level's features are
            taken. No difference at levels that no pool follows.
        compatibility: `"pc"`, `"dp"`, `"local"` or `"additive"`.
        normalization: `"softmax"` (the paper) or `"sigmoid"`; hard attention is
            `"sampled"` (trained by REINFORCE, which takes `ltpa_tf.training`) or
            `"topk"` (by a straight-through gradient).
        match: What is projected where the channels of l and g differ, for the scores
            alone: `"global_to_local"` (the paper) or `"local_to_global"`. With
            `"projected_local"` the projection of l is what is attended to as well. The
            compatibilities `"local"` and `"additive"` need no projection.
        projection: `"paper"`: batch norm, ReLU, dropout before the linear layers of
            projections and head; `"linear"`: none of them.
        head: `"concat"` or `"indep"`.
        width: Multiplies every channel count (multiples of 8 from 16 channels up).
        batch_norm: Whether there is any batch norm.
        dropout: Rate before every linear layer, the paper's 0.5; after convolutions it
            is 0.6 of this for the first and 0.8 of it for the others.
        projection_epsilon: Of the paper's batch norms before linear layers, in
            projections and head; the authors' code leaves Torch's 1e-5 there, while
            those of convolutions have 1e-3.
        padding: `"zeros"` (the paper) or `"reflect"`: what convolutions see beyond the
            image's border.
        global_feature: `"fc"`, `"gap"` or `"max"`, see above.
        logit_scale: Multiplies the logits; below 1 plain gradient descent moves them
            slower, see `ConcatHead`.
        positions: How many positions of each level hard attention chooses; None with a
            soft one.
        score_scale: Multiplies the scores of the levels that the head sees, 1 in the
            paper; see `AttentionEstimator`.
        descriptor: What a level gives to the head: `"attended"` (the paper), or
            `"attended_and_max"`, the largest of each channel beside it, as CBAM pools
            in two ways (arXiv 1807.06521). Then maps aren't all that the prediction
            rests on, and there is no `evidence_model`.
        mean: Per channel, of pixel values scaled to 0..1. Together with `std` it makes
            the first layer a normalization; None: the trunk sees 0..255.
        std: Per channel, likewise.
        dtype: Dtype policy of all layers; None: Keras's global one.
        **kwargs: As for every Keras model: `name`, `trainable`.

    Input:
        float32 pixel values 0..255, `[B, H, W, channels]`.

    Output:
        float32 logits `[B, num_classes]` (log-probabilities with `head="indep"`).

    Raises:
        SettingError: A setting is not one of those above, or a level has one position
            only, which leaves attention no choice.

    Example:
        >>> model = models.AttentionVGG((32, 32, 3), 100, levels=(10, 13), width=0.25)
        >>> model.levels, model.output_shape
        ((10, 13), (None, 100))
    """

    def __init__(
        self,
        image_shape: Sequence[int | None] = (32, 32, 3),
        num_classes: int = 10,
        *,
        trunk: str = "paper",
        levels: Sequence[int] = (7, 10, 13),
        gates: Sequence[int] = (),
        tap: str = "before_pool",
        compatibility: str = "pc",
        normalization: str = "softmax",
        match: str = "global_to_local",
        projection: str = "paper",
        head: str = "concat",
        width: float = 1.0,
        batch_norm: bool = True,
        dropout: float = 0.5,
        projection_epsilon: float = 1e-3,
        padding: str = "zeros",
        global_feature: str = "fc",
        logit_scale: float = 1.0,
        positions: int | None = None,
        score_scale: float = 1.0,
        descriptor: str = "attended",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs,
    ):
        settings = checked(
            {
                "trunk": trunk,
                "levels": levels,
                "gates": gates,
                "tap": tap,
                "compatibility": compatibility,
                "normalization": normalization,
                "match": match,
                "projection": projection,
                "head": head,
                "width": width,
                "batch_norm": batch_norm,
                "dropout": dropout,
                "projection_epsilon": projection_epsilon,
                "padding": padding,
                "global_feature": global_feature,
                "logit_scale": logit_scale,
                "positions": positions,
                "score_scale": score_scale,
                "descriptor": descriptor,
            }
        )
        check_data(settings, image_shape, num_classes, mean, std)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        # === Functional Model ===
        images = keras.Input(tuple(image_shape), dtype="float32", name="images")
        layout = TRUNKS[trunk]
        convolutions = {
            "width": width,
            "batch_norm": batch_norm,
            "dropout": dropout,
            "padding": padding,
            "dtype": policy,
        }
        form = {
            "compatibility": compatibility,
            "match": match,
            "projection": projection,
            "projection_epsilon": projection_epsilon,
        }
        channels = scaled(512, width)
        features = trunk_features(
            images if mean is None else normalized(images, mean, std),
            layout,
            depth=len(layout.channels) if global_feature == "fc" else layout.levels,
            between=Gates(settings["gates"], layout, convolutions, channels, form),
            **convolutions,
        )
        if global_feature == "fc":
            last = features[-1].after_pool
            g = fully_connected(last, channels, dropout, policy)
        else:
            g = pooled_globally(features[-1].before_pool, global_feature, policy)
        attended = [n for n in settings["levels"] if n not in settings["gates"]]
        logits = attention_logits(
            {n: getattr(features[n - 1], tap) for n in attended},
            g,
            num_classes,
            **form,
            normalization=normalization,
            head=head,
            batch_norm=batch_norm,
            dropout=dropout,
            logit_scale=logit_scale,
            positions=positions,
            score_scale=score_scale,
            descriptor=descriptor,
            dtype=policy,
        )
        super().__init__(inputs=images, outputs=logits, **kwargs)
        self._keep(policy, image_shape, num_classes, settings, mean, std)

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that are attended to, in ascending order."""
        return self._settings["levels"]

    @property
    def attention_layers(self) -> Mapping[int, AttentionEstimator]:
        """Each level's estimator."""
        return attention_layers(self)
