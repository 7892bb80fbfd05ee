"""The recurrent attention model: hard attention as cropping."""

from collections.abc import Sequence

import keras

from ltpa_tf.layers.glimpse import check_glimpse
from ltpa_tf.layers.recurrent import PathsHead, RecurrentGlimpses, check_path
from ltpa_tf.models.configured import Configured
from ltpa_tf.models.inputs import normalized
from ltpa_tf.models.settings import check_normalization, check_shape


@keras.saving.register_keras_serializable(package="ltpa_tf")
class RecurrentAttention(Configured):
    """Classifies by a few glimpses: "Recurrent Models of Visual Attention".

    (Mnih et al., 2014, arXiv 1406.6247.) It sees a few small patches of the image and
    chooses by what it saw where to look next, which it learns by REINFORCE, see
    `RecurrentGlimpses`. What it computes doesn't grow with the image, but for the
    sensor.

    Args:
        image_shape: `(height, width, channels)`; height and width may be None.
        num_classes: Number of classes, 2 or more.
        glimpses: How many it takes.
        glimpse_size: Cells a side of a glimpse; pixels, at its finest scale.
        scales: How many scales, each twice as coarse and wide as the one before.
        location_std: Of the locations that are drawn, where the image is 2 wide.
        policy: `"learned"`, or, to compare with, `"centre"` and `"random"`.
        paths: How many evaluation follows for each image, whose probabilities are
            averaged; 1: the most probable one.
        width: Multiplies the layers' sizes, the paper's 128, 256 and 256.
        mean: Per channel, of pixel values scaled to 0..1. Beyond the image's border is
            the mean.
        std: Per channel, likewise.
        dtype: Dtype policy of all layers; None: Keras's global one.
        **kwargs: As for every Keras model: `name`, `trainable`.

    Input:
        float32 pixel values 0..255, `[B, H, W, channels]`.

    Output:
        float32 logits `[B, num_classes]`, with several paths log-probabilities.

    Raises:
        SettingError: A setting is not one of those above.

    Example:
        >>> model = models.RecurrentAttention((60, 60, 3), 10, glimpses=4)
        >>> model.output_shape
        (None, 10)
    """

    def __init__(
        self,
        image_shape: Sequence[int | None] = (60, 60, 3),
        num_classes: int = 10,
        *,
        glimpses: int = 8,
        glimpse_size: int = 12,
        scales: int = 3,
        location_std: float = 0.1,
        policy: str = "learned",
        paths: int = 1,
        width: float = 1.0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs,
    ):
        settings = {
            "glimpses": glimpses,
            "glimpse_size": glimpse_size,
            "scales": scales,
            "location_std": location_std,
            "policy": policy,
            "paths": paths,
            "width": width,
        }
        checked(settings)
        check_shape(image_shape)
        check_normalization(image_shape[2], num_classes, mean, std)
        check_glimpse(glimpse_size, scales, *image_shape[:2])
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        # === Functional Model ===
        images = keras.Input(tuple(image_shape), dtype="float32", name="images")
        looking = RecurrentGlimpses(
            glimpses,
            glimpse_size,
            scales,
            location_std,
            policy,
            paths,
            width,
            name="glimpses",
            dtype=dtype,
        )
        state, _ = looking(images if mean is None else normalized(images, mean, std))
        logits = PathsHead(num_classes, paths, name="logits", dtype=dtype)(state)
        super().__init__(inputs=images, outputs=logits, **kwargs)
        self._keep(dtype, image_shape, num_classes, settings, mean, std)


def checked(settings: dict) -> dict:
    """The settings of `RecurrentAttention`, if they can be used.

    Raises:
        SettingError: Naming the first one that can't.
    """
    check_glimpse(settings["glimpse_size"], settings["scales"])
    others = ("glimpses", "location_std", "policy", "paths", "width")
    check_path(*(settings[name] for name in others))
    return dict(settings)
