"""Every measure of a model's maps, method by method, beside chance and the centre."""

import functools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import data, models, quiet
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation import faithfulness, localization, sanity
from ltpa_tf.evaluation.agreement import agreement
from ltpa_tf.evaluation.examples import check_count, chosen
from ltpa_tf.evaluation.grid_pointing import grid_pointing, mosaics_of
from ltpa_tf.evaluation.intervals import interval
from ltpa_tf.evaluation.pointing import box_mask
from ltpa_tf.explain.methods import Method, compute, methods
from ltpa_tf.words import one_of

BASELINES = ("chance", "centre")
"""A flat map, whose pixels are in random order, and the nearness to the middle."""

MEASURES = ("boxes", "grids", "faithfulness", "sanity")
"""Groups of measures; the last two compute hundreds of predictions for each image."""

SMALL = 0.25
"""Boxes below this share of the image are small: there the centre is no good answer."""

_GRIDS = (2, 3)
_MOSAICS = 30
_SANITY_EXAMPLES = 100  # of these measures that compute maps anew
_SANITY_SHARES = (0.0, 0.5, 1.0)  # 0: the last layer with weights alone
_IOU_SHARES = np.arange(1, 20) / 20


def measure_maps(
    model: keras.Model,
    split: data.Split,
    names: Sequence[str],
    *,
    measures: Sequence[str] = MEASURES,
    examples: int = 500,
    batch_size: int = 64,
    known: dict | None = None,
    save: Callable[[dict], object] = lambda result: None,
    progress: Callable[[str], object] = lambda name: None,
) -> dict:
    """Measures maps of the predicted classes.

    Args:
        model: As `explain.methods.methods` takes it, of any precision.
        split: The images, and masks or boxes where they are known; masks count, where
            there are both.
        names: Of methods, see `explain.methods.NAMES`.
        measures: Which of `MEASURES`.
        examples: How many images, see `data.Split.spread`.
        batch_size: Images at a time; changes no result but for rounding.
        known: What an earlier call has saved; its methods aren't measured again.
        save: Called with the result so far after every method.
        progress: Called with each method's name before it is measured.

    Returns:
        Ready for JSON: `examples`, `accuracy` on them, `measures`, and `methods`: for
        each method and baseline its maps by name, for each map its measures, and for
        each measure `[mean, low, high]` (see `intervals.interval`). With boxes:
        `pointing`, `energy`, `top_k`, `iou_otsu` and `iou_best` (at `threshold_best`,
        one share for all images), of all boxes, of `small` ones, and of small ones on
        rightly classified images (`small_right`). `gridpg_2` and `gridpg_3`, where
        there are enough classes and rightly classified images. `deletion`, `insertion`,
        `road_morf`, `road_lerf`, `mu_fidelity`, see `faithfulness`. `sanity`: the rank
        correlation with maps of the model whose last layer, last half, and every layer
        is drawn anew, by one draw that is always the same. Beside `methods`,
        `agreement`: the rank correlation of every two maps, see `agreement.agreement`.

    Raises:
        SettingError: If there are fewer images than asked for, a measure that isn't
            one, or as `methods` does; before anything is measured.
    """
    model, made = _prepared(model, split, names, measures, examples)
    images = _Images(model, split, examples, batch_size)
    result = {
        "examples": examples,
        "accuracy": images.right.mean().item(),
        "measures": [name for name in MEASURES if name in measures],
    }
    if known is not None:
        known = {"measures": list(MEASURES), **known}  # earlier versions took all
    if known is not None and {k: known.get(k) for k in result} == result:
        result["methods"] = dict(known["methods"])
        earlier = known.get("agreement", {})
    else:
        result["methods"], earlier = {}, {}
    drawn_anew = functools.cache(functools.partial(sanity.randomized, model))
    asked = [*map(_baseline, BASELINES), *made]
    fresh = [method for method in asked if method.name not in result["methods"]]
    for method in fresh:
        progress(method.name)
        with quiet.retracing_expected():
            measured = _measured(model, method, images, measures, drawn_anew)
        result["methods"][method.name] = measured
        save(result)
    if fresh or not earlier:
        progress("agreement")
        with quiet.retracing_expected():
            found = _agreement(model, made, images)
        result["agreement"] = {
            name: earlier.get(name, {}) | found.get(name, {})
            for name in {**earlier, **found}
        }
    else:
        result["agreement"] = earlier
    save(result)
    return result


def check(
    model: keras.Model,
    split: data.Split,
    names: Sequence[str],
    measures: Sequence[str],
    examples: int,
) -> None:
    """Raises what `measure_maps` would, before anything is measured."""
    _prepared(model, split, names, measures, examples)


def _prepared(model, split, names, measures, examples):
    """The model as it is measured, and the methods made for it."""
    check_count(split, examples)
    for name in measures:
        if name not in MEASURES:
            raise SettingError("--map_measures", name, one_of(MEASURES))
    model = models.prune(models.as_float32(model))
    return model, methods(model, names, size=tuple(split.shape[:2]))


class _Images:
    """The images that are measured on, and what the model says of them."""

    def __init__(self, model, split, examples, batch_size):
        where, self.pixels = chosen(split, examples, batch_size)
        forward = tf.function(
            lambda batch: tf.nn.softmax(model(batch, training=False)), autograph=False
        )
        self.batch_size = min(batch_size, examples)
        self._forward = forward
        probabilities = self.predict(self.pixels)
        self.classes = probabilities.argmax(1)
        self.sureness = probabilities.max(1)
        self.right = self.classes == split.labels[where]
        self.masks = self.small = None
        if split.masks is not None:
            self.masks = np.asarray(split.masks[where])
        elif split.boxes is not None:
            self.masks = box_mask(split.boxes[where], split.shape[:2])
        if self.masks is not None:
            self.small = self.masks.mean((1, 2)) < SMALL

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities of float32 or uint8 images `[N, H, W, C]`, in whole batches."""
        found = []
        for start in range(0, len(images), self.batch_size):
            where = np.arange(start, start + self.batch_size).clip(max=len(images) - 1)
            found.append(self._forward(tf.cast(images[where], tf.float32)).numpy())
        return np.concatenate(found)[: len(images)]


def _baseline(name: str) -> Method:
    def maps(images, classes):
        del classes
        count, height, width, _ = images.shape
        if name == "centre":
            return {name: localization.centre(count, (height, width))}
        return {name: np.ones((count, height, width), np.float32)}

    return Method(name, maps)


def _measured(model, method: Method, images: _Images, measures, drawn_anew) -> dict:
    maps = _maps(model, method, images)
    found = {name: {} for name in maps}
    for name, one in maps.items():
        if "boxes" in measures:
            found[name] |= _of_boxes(one, images)
        if "faithfulness" in measures:
            found[name] |= _faithful(one, images)
    for n in _GRIDS if "grids" in measures else ():
        for name, values in _grids(model, method, images, n).items():
            found[name][f"gridpg_{n}"] = interval(values)
    if "sanity" in measures and method.name not in BASELINES:
        for name, values in _sanity(method, images, maps, drawn_anew).items():
            found[name]["sanity"] = values
    return found


def _maps(model, method, images, some=slice(None)) -> dict[str, np.ndarray]:
    pixels, classes = images.pixels[some], images.classes[some]
    return compute(model, pixels, method, classes, batch_size=images.batch_size)


def _of_boxes(maps: np.ndarray, images: _Images) -> dict:
    masks = images.masks
    if masks is None:
        return {}
    overlaps = np.stack(
        [
            localization.iou(localization.above(maps, share), masks)
            for share in _IOU_SHARES
        ]
    )
    best = overlaps.mean(1).argmax()
    values = {
        "pointing": localization.pointing(maps, masks),
        "energy": localization.energy(maps, masks),
        "top_k": localization.top_k(maps, masks),
        "iou_otsu": localization.iou(localization.otsu(maps), masks),
        "iou_best": overlaps[best],
    }
    parts = {
        "": np.ones(len(maps), bool),
        "_small": images.small,
        "_small_right": images.small & images.right,
    }
    found = {"threshold_best": float(_IOU_SHARES[best])}
    for part, those in parts.items():
        if those.any():
            found |= {k + part: interval(v[those]) for k, v in values.items()}
    return found


def _faithful(maps: np.ndarray, images: _Images) -> dict:
    asked = images.predict, images.pixels, images.classes, maps
    return {
        "deletion": interval(faithfulness.deletion(*asked)),
        "insertion": interval(faithfulness.insertion(*asked)),
        "road_morf": interval(faithfulness.road(*asked, highest_first=True)),
        "road_lerf": interval(faithfulness.road(*asked, highest_first=False)),
        "mu_fidelity": interval(faithfulness.mu_fidelity(*asked)),
    }


def _grids(model, method, images, n) -> dict[str, np.ndarray]:
    right = np.flatnonzero(images.right)
    mosaics, classes = mosaics_of(
        images.pixels[right], images.classes[right], images.sureness[right], n, _MOSAICS
    )
    if not len(mosaics):
        return {}

    def make(model, size):
        if method.name in BASELINES:
            return method
        return methods(model, [method.name], size=size)[0]

    return grid_pointing(models.of_any_size(model), make, mosaics, classes)


def _agreement(model, made, images) -> dict[str, dict]:
    maps = {}
    for method in (*made, _baseline("centre")):
        maps |= _maps(model, method, images, slice(0, _SANITY_EXAMPLES))
    return agreement(maps)


def _sanity(method, images, maps, drawn_anew) -> dict[str, list]:
    """Name of a map -> the correlation at each of `_SANITY_SHARES`."""
    some = slice(0, _SANITY_EXAMPLES)
    found = {name: [] for name in maps}
    for share in _SANITY_SHARES:
        fresh = drawn_anew(share)
        other = methods(fresh, [method.name], size=images.pixels.shape[1:3])[0]
        drawn = _maps(fresh, other, images, some)
        for name, values in found.items():
            correlation = sanity.rank_correlation(maps[name][some], drawn[name])
            values.append(float(correlation.mean()))
    return found
