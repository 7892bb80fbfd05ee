"""Maps for models that have no attention."""

from typing import TYPE_CHECKING

import numpy as np

from ltpa_tf.errors import SettingError

if TYPE_CHECKING:
    import keras

SOURCE = {"CAM": "global_feature"}
"""The layer that a map is made of, where it isn't named after it."""


def class_activation(model: "keras.Model", images: np.ndarray) -> dict[str, np.ndarray]:
    """Class activation maps of the predicted classes (Zhou et al., arXiv 1512.04150).

    For a model that classifies globally averaged features by one linear layer, as the
    row `vgg_gap`. That layer, applied to the features of each position instead of
    their average, tells what the position adds to each class's score: their mean over
    all positions, and the bias, are the score. The map keeps, less the bias, what
    speaks for the class.

    Args:
        model: A model of that form.
        images: uint8 `[N, H, W, 3]`.

    Returns:
        `"logits"`, float32 `[N, K]`, the model's own, and `"CAM"`, float32
        `[N, h, w]`, not negative.

    Raises:
        SettingError: If the model isn't of that form.
    """
    import keras

    from ltpa_tf.models import reapplied

    calls = {}

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if args and layer.name in ("global_feature", "logits"):
            calls[layer.name] = layer, args[0], outputs
        return outputs

    again = reapplied(model, call)
    pool, features, averaged = calls.get("global_feature", [None] * 3)
    head, descriptors, _ = calls.get("logits", [None] * 3)
    if (
        not isinstance(pool, keras.layers.GlobalAveragePooling2D)
        or getattr(head, "projection", None) != "linear"
        or descriptors[0] is not averaged
    ):
        raise SettingError(
            "model", model.name, "a model with attention, or the row vgg_gap"
        )
    both = keras.Model(again.input, [features, again.output])
    features, logits = both(images, training=False)
    features = keras.ops.convert_to_numpy(keras.ops.cast(features, "float32"))
    logits = keras.ops.convert_to_numpy(logits)
    # The layer's own numbers: `head` may make log-probabilities of the scores.
    (linear,) = head.linear
    kernel = keras.ops.convert_to_numpy(linear.kernel) * head.logit_scale
    of_predicted = kernel.T[logits.argmax(-1)]
    added = np.einsum("nhwc,nc->nhw", features, of_predicted)
    return {"logits": logits, "CAM": np.maximum(added, 0)}
