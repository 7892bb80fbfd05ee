"""Maps for models that have no attention."""

from typing import TYPE_CHECKING

import numpy as np

from ltpa_tf.errors import SettingError

if TYPE_CHECKING:
    import keras


def class_activation(model: "keras.Model", images: np.ndarray) -> dict[str, np.ndarray]:
    """Class activation maps of the predicted classes (Zhou et al., arXiv 1512.04150).

    For a model whose logits are a linear function of globally averaged features, as
    the row `vgg_gap`. That function, applied to the features of each position instead
    of their average, tells what the position adds to each logit: their mean over all
    positions is the logit. The map keeps, less the bias, what speaks for the class.

    Args:
        model: A model of that form.
        images: uint8 `[N, H, W, 3]`.

    Returns:
        `"logits"`, float32 `[N, K]`, and `"CAM"`, float32 `[N, h, w]`, not negative.

    Raises:
        SettingError: If the model isn't of that form.
    """
    import keras

    layers = {layer.name: layer for layer in model.layers}
    pool, head = layers.get("global_feature"), layers.get("logits")
    if (
        not isinstance(pool, keras.layers.GlobalAveragePooling2D)
        or getattr(head, "projection", None) != "linear"
    ):
        raise SettingError(
            "model", model.name, "a model with attention, or the row vgg_gap"
        )
    features = keras.Model(model.input, pool.input)(images, training=False)
    features = keras.ops.convert_to_numpy(features)
    positions = features.reshape(-1, features.shape[-1])
    bias = keras.ops.convert_to_numpy(head([np.zeros_like(positions[:1])]))
    added = keras.ops.convert_to_numpy(head([positions])) - bias
    added = added.reshape(*features.shape[:3], -1)
    logits = added.mean((1, 2)) + bias
    of_predicted = added[np.arange(len(images)), :, :, logits.argmax(-1)]
    return {"logits": logits, "CAM": np.maximum(of_predicted, 0)}
