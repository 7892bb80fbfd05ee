"""Whether maps depend on what the model has learned (Adebayo et al., arXiv 1810.03292).

The layers are drawn anew, from the last to the first; a map that stays what it was
shows the image, not the model.
"""

import random

import keras
import numpy as np
from scipy import stats


def randomized(model: keras.Model, share: float, seed: int = 0) -> keras.Model:
    """A copy of a model whose last layers are drawn anew, as before training.

    Args:
        model: A functional model.
        share: Of the layers that have weights, 0 to 1; always at least the last one.
        seed: Of the draw; the same gives the same weights, whatever was drawn before.
    """
    before = random.getstate()
    # Where initializers take a seed that have none. A training of the same number must
    # not have begun with these very weights.
    random.seed(f"drawn anew {seed}")
    fresh = type(model).from_config(model.get_config())
    random.setstate(before)
    layers = [layer for layer in model.layers if layer.weights]
    kept = len(layers) - max(1, round(share * len(layers)))
    for layer in layers[:kept]:
        fresh.get_layer(layer.name).set_weights(layer.get_weights())
    return fresh


def rank_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's correlation of two maps of each image.

    Args:
        one: `[B, H, W]`.
        other: `[B, H, W]`.

    Returns:
        float64 `[B]`, -1 to 1; 0 where a map is flat.
    """
    ranks = [
        stats.rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (one, other)
    ]
    one, other = (r - r.mean(1, keepdims=True) for r in ranks)
    scale = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    return np.divide(
        (one * other).sum(1), scale, out=np.zeros(len(one)), where=scale > 0
    )
