"""The global feature's influence on maps, measured by giving an image another's.

The paper asks this in its appendix. With `"pc"` or `"local"` and a softmax the answer
needs no measurement: the maps can't depend on it (`layers.AttentionEstimator`).
"""

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.examples import check_count, chosen
from ltpa_tf.evaluation.intervals import interval
from ltpa_tf.evaluation.sanity import rank_correlation
from ltpa_tf.explain.maps import relative


def swap_global(
    model: keras.Model, split: data.Split, *, examples: int = 500, batch_size: int = 64
) -> dict:
    """Compares maps and predictions with those by other images' global features.

    Args:
        model: A functional model whose estimators are given a global feature.
        split: The images.
        examples: How many, see `data.Split.spread`.
        batch_size: Images at a time; changes no result but for rounding.

    Returns:
        Ready for JSON. `examples`; `exact`: for each level whether its maps are free of
        the global feature by their formula; and for the global features of another
        image of the `same_class`, of an image of an `other_class`, and of `noise`: for
        each level `moved`, how much of the map's sum has gone elsewhere (total
        variation, 0 to 1) and `rank_correlation`, of both maps' pixels; and of the
        model `predictions`, the share that became another. `own_image` is the scale:
        `moved` between the maps of the image and of one of another class. Each is
        `[mean, low, high]`, see `intervals.interval`.

    Raises:
        SettingError: If there are fewer images than asked for, only one class in them,
            or no estimator takes a global feature; before anything is measured.
    """
    check(model, split, examples)
    model = models.as_float32(model)
    exchanged = tf.function(models.exchange_global(model), autograph=False)
    plain = tf.function(models.attention_model(model), autograph=False)
    where, images = chosen(split, examples, batch_size)
    partners = _partners(split.labels[where])
    noise = np.random.default_rng(0).integers(0, 256, images.shape, np.uint8)
    own = _in_batches(lambda one, _: plain(one), images, images, batch_size)
    levels = [name for name in own if name != "logits"]
    needed = models.attention_model(models.prune(model))
    result = {
        "examples": examples,
        "exact": {name: _is_exact(needed, name) for name in levels},
        "own_image": {
            name: {
                "moved": interval(_moved(own[name], own[name][partners["other_class"]]))
            }
            for name in levels
        },
    }
    for kind, others in (
        ("same_class", images[partners["same_class"]]),
        ("other_class", images[partners["other_class"]]),
        ("noise", noise),
    ):
        found = _in_batches(
            lambda one, other: exchanged(tf.concat([one, other], 0)),
            images,
            others,
            batch_size,
        )
        changed = found["logits"].argmax(1) != own["logits"].argmax(1)
        result[kind] = {"predictions": interval(changed)}
        for name in levels:
            result[kind][name] = {
                "moved": interval(_moved(own[name], found[name])),
                "rank_correlation": interval(rank_correlation(own[name], found[name])),
            }
    return result


def check(model: keras.Model, split: data.Split, examples: int) -> None:
    """Raises what `swap_global` would, before anything is measured."""
    check_count(split, examples, least=2)
    models.exchange_global(model)
    _partners(split.labels[split.spread(examples)])


def _is_exact(pruned: keras.Model, level: str) -> bool:
    """Whether neither the level nor a gate before it needs a global feature."""
    alone = keras.Model(pruned.input, pruned.output[level])
    return not any(one.needs_global for one in models.estimators(alone))


def _partners(labels: np.ndarray) -> dict[str, np.ndarray]:
    """For each image another one of its class, and one of another class.

    The only image of its class is its own partner.
    """
    if len(np.unique(labels)) < 2:
        raise SettingError("examples", "one class", "images of two classes or more")
    rng = np.random.default_rng(0)
    same, other = np.empty((2, len(labels)), np.int64)
    for label in np.unique(labels):
        of_class, of_others = (
            np.flatnonzero(labels == label),
            np.flatnonzero(labels != label),
        )
        same[of_class] = np.roll(of_class, 1)
        other[of_class] = rng.choice(of_others, len(of_class))
    return {"same_class": same, "other_class": other}


def _in_batches(function, images, others, batch_size) -> dict[str, np.ndarray]:
    """Outputs for `images`, given those in `others`, in batches of one size."""
    found: dict[str, list] = {}
    for start in range(0, len(images), batch_size):
        where = np.arange(start, start + batch_size).clip(max=len(images) - 1)
        pair = (tf.cast(one[where], tf.float32) for one in (images, others))
        for name, value in function(*pair).items():
            found.setdefault(name, []).append(value.numpy()[:batch_size])
    return {k: np.concatenate(parts)[: len(images)] for k, parts in found.items()}


def _moved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Total variation between maps, each divided by its sum."""
    return np.abs(relative(one) - relative(other)).mean((1, 2)) / 2
