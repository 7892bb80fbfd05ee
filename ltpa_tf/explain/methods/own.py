"""Maps that the model itself has: attention and evidence."""

from collections.abc import Callable

import keras
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain.methods.method import compiled, placed, spread
from ltpa_tf.layers import AttentionEstimator

_LEAST = 1e-12  # of a softmax that rounds to 0, for the product
_SPREAD = 16  # deviations of the Gaussian in the image's longer side


def attention(model: keras.Model, size: tuple[int, int]) -> Callable:
    """`attention_N` of each level, and where there are several their mean and product.

    The mean is that of attention relative to uniform, since levels differ in their
    number of positions; the product is the geometric mean of the same.
    `attention_smooth` is the mean spread as `evidence_smooth` is, see `evidence`.
    """
    if not any(isinstance(layer, AttentionEstimator) for layer in model.layers):
        raise SettingError("--maps", "attention", "a model that has attention")
    both = models.attention_model(model)
    grids = models.grids(model, size)

    @compiled
    def maps(images, classes):
        del classes  # attention is the same whatever is asked
        outputs = both(images, training=False)
        levels = {k: v for k, v in outputs.items() if k != "logits"}
        found = {}
        for level, values in levels.items():
            name = f"attention_{level.removeprefix('level_')}"
            found[name] = placed(values, grids[level], size)
        if len(found) < 2:
            return found
        relative = [
            placed(_relative(values), grids[level], size)
            for level, values in levels.items()
        ]
        logs = [tf.math.log(tf.maximum(one, _LEAST)) for one in relative]
        mean = tf.add_n(relative) / len(relative)
        return found | {
            "attention_mean": mean,
            "attention_product": tf.exp(tf.add_n(logs) / len(logs)),
            "attention_smooth": spread(mean, max(size) / _SPREAD),
        }

    return maps


def evidence(model: keras.Model, size: tuple[int, int]) -> Callable:
    """`evidence_N` of each level, and where there are several `evidence`, their sum.

    Each position's evidence is shared out over its pixels: of `evidence`, and with an
    independent head of each level, all pixels and the bias add up to the logit. See
    `models.evidence_model`. Narrow peaks of an early level stand out of the sum, though
    a wide region of a late one may hold more; `evidence_smooth` has each pixel's share
    spread by a Gaussian of a sixteenth of the image's longer side, and adds up as well.
    """
    taken_apart = models.evidence_model(model)
    # A gate's map has none of its own: it acts through the levels behind it.
    levels = [
        x.name
        for x in model.layers
        if isinstance(x, AttentionEstimator)
        and models.evidence_name(x.name) in taken_apart.output
    ]
    grids = models.grids(model, size)

    @compiled
    def maps(images, classes):
        outputs = taken_apart([images, classes], training=False)
        found = {}
        for level in levels:
            name = models.evidence_name(level)
            found[name] = placed(outputs[name], grids[level], size, shared=True)
        if len(found) > 1:
            found["evidence"] = tf.add_n(list(found.values()))
            found["evidence_smooth"] = spread(found["evidence"], max(size) / _SPREAD)
        return found

    return maps


def _relative(maps: tf.Tensor) -> tf.Tensor:
    return maps / tf.maximum(tf.reduce_mean(maps, (1, 2), keepdims=True), _LEAST)
