"""Predictions and maps under attack, and of images that cameras or networks changed."""

import io
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from ltpa_tf import data, models
from ltpa_tf.evaluation.examples import check_count, chosen
from ltpa_tf.evaluation.intervals import interval
from ltpa_tf.evaluation.sanity import rank_correlation

BUDGETS = (1, 2, 4, 8)
"""Of attacks: by how much of 255 each pixel value may change."""

CORRUPTIONS: dict[str, tuple[float, ...]] = {
    "noise": (5, 10, 20),
    "blur": (0.5, 1, 2),
    "jpeg": (75, 50, 25),
    "brightness": (-60, 30, 60),
}
"""Standard deviation of Gaussian noise and, in pixels, of a Gaussian blur; JPEG's
quality; what is added. Values are 0 to 255."""

_PGD_STEPS = 10

Attack = Callable[[tf.Tensor, tf.Tensor, float], tf.Tensor]


def robustness(
    model: keras.Model,
    split: data.Split,
    *,
    examples: int = 500,
    batch_size: int = 64,
    progress: Callable[[str], object] = lambda name: None,
) -> dict:
    """Measures a model on changed images.

    Args:
        model: A functional model that gives logits; with attention or without.
        split: The images.
        examples: How many, see `data.Split.spread`.
        batch_size: Images at a time.
        progress: Called with the name of each change before it is measured.

    Returns:
        Ready for JSON: `examples`, and for each change (`clean`, `fgsm_4`, `pgd_4`,
        `noise_10` and so on) `accuracy`, and for each level of attention the
        `rank_correlation` of its map with that of the clean image; `[mean, low,
        high]`, see `intervals.interval`.

    Raises:
        SettingError: If there are fewer images than asked for.
    """
    check(model, split, examples)
    model = models.prune(models.as_float32(model))
    with_maps = tf.function(models.attention_model(model), autograph=False)
    where, images = chosen(split, examples, batch_size)
    labels = split.labels[where]

    def outputs(change):
        found: dict[str, list] = {}
        for start in range(0, examples, batch_size):
            of = np.arange(start, start + batch_size).clip(max=examples - 1)
            changed = change(images[of], labels[of])
            for name, value in with_maps(tf.cast(changed, tf.float32)).items():
                found.setdefault(name, []).append(value.numpy())
        return {k: np.concatenate(parts)[:examples] for k, parts in found.items()}

    clean = outputs(lambda batch, of: batch)
    result: dict = {"examples": examples}
    for name, change in {"clean": None, **_changes(model)}.items():
        progress(name)
        found = clean if change is None else outputs(change)
        right = found.pop("logits").argmax(1) == labels
        result[name] = {"accuracy": interval(right)}
        for level, maps in found.items():
            alike = rank_correlation(clean[level], maps)
            result[name][level] = {"rank_correlation": interval(alike)}
        clean = found if change is None else clean
    return result


def check(model: keras.Model, split: data.Split, examples: int) -> None:
    """Raises what `robustness` would, before anything is measured."""
    check_count(split, examples)
    models.attention_model(model)


def fgsm(model: keras.Model) -> Attack:
    """The fast gradient sign method (Goodfellow et al., arXiv 1412.6572).

    Args:
        model: Gives logits.

    Returns:
        A function of float32 images `[B, H, W, C]`, values 0 to 255, their labels and
        the budget; it gives images that differ from them by at most the budget.
    """
    slope = _slope(model)

    def attack(images, labels, budget):
        images = tf.cast(images, tf.float32)
        moved = images + budget * tf.sign(slope(images, labels))
        return tf.clip_by_value(moved, 0, 255)

    return attack


def pgd(model: keras.Model, steps: int = _PGD_STEPS) -> Attack:
    """Projected gradient descent from a random start (Madry et al., arXiv 1706.06083).

    Args:
        model: Gives logits.
        steps: Each of a quarter of the budget.

    Returns:
        As `fgsm`.
    """
    slope = _slope(model)

    def attack(images, labels, budget):
        images = tf.cast(images, tf.float32)
        low, high = tf.maximum(images - budget, 0), tf.minimum(images + budget, 255)
        start = tf.random.stateless_uniform(images.shape, (0, 0), -budget, budget)
        moved = tf.clip_by_value(images + start, low, high)
        for _ in range(steps):
            moved += budget / 4 * tf.sign(slope(moved, labels))
            moved = tf.clip_by_value(moved, low, high)
        return moved

    return attack


def corrupt(images: np.ndarray, kind: str, strength: float) -> np.ndarray:
    """Images as a camera or a network might have left them.

    Args:
        images: uint8 `[B, H, W, 3]`.
        kind: One of `CORRUPTIONS`.
        strength: See there.

    Returns:
        uint8 `[B, H, W, 3]`; the same in every call.
    """
    if kind == "jpeg":
        return np.stack([_jpeg(image, int(strength)) for image in images])
    changed = images.astype(np.float32)
    if kind == "noise":
        changed += np.random.default_rng(0).normal(0, strength, images.shape)
    elif kind == "blur":
        sigmas = (0, strength, strength, 0)
        changed = ndimage.gaussian_filter(changed, sigmas, mode="nearest")
    else:
        changed += strength
    return np.rint(changed.clip(0, 255)).astype(np.uint8)


def _changes(model: keras.Model) -> dict[str, Callable]:
    found = {}
    for name, attack in (("fgsm", fgsm(model)), ("pgd", pgd(model))):
        for budget in BUDGETS:
            found[f"{name}_{budget}"] = lambda batch, labels, a=attack, b=budget: a(
                batch, labels, float(b)
            )
    for kind, strengths in CORRUPTIONS.items():
        for strength in strengths:
            found[f"{kind}_{strength:g}"] = lambda batch, _, k=kind, s=strength: (
                corrupt(batch, k, s)
            )
    return found


def _slope(model: keras.Model) -> Callable:
    """The gradient of the log-odds against the right class by the pixels.

    It has the direction of the cross-entropy's, but doesn't vanish where the model is
    so sure that 1 - p rounds to 0: there an attack would stand still.
    """

    @tf.function(autograph=False)
    def slope(images, labels):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            logits = model(images, training=False)
            right = tf.one_hot(labels, logits.shape[-1], True, False)
            others = tf.reduce_logsumexp(tf.where(right, -np.inf, logits), -1)
            odds = others - tf.gather(logits, labels, axis=1, batch_dims=1)
        return tape.gradient(odds, images)

    return slope


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))
