"""Cluttered digits: the bundled data set with known boxes.

Each image is one of scikit-learn's 1,797 handwritten digits at a random place and
size on a coloured canvas, among fragments of other digits, with noise. The digit
covers less than a fifth of the area, so a model that attends must find it first.
The digits are divided before anything is composed: no digit, not even as a fragment,
stands in two parts.

Everything is integer arithmetic on hashed numbers, so an image is bitwise the same on
every machine. Training images are composed anew for each epoch.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing
from ltpa_tf.data.memory import check_images
from ltpa_tf.data.source import Source, Split, array_split, fingerprint, statistics
from ltpa_tf.errors import SettingError

# Composites per epoch, unless `train_examples` says otherwise.
TRAIN_EXAMPLES = 10_000
VALIDATION_EXAMPLES = 1_000
TEST_EXAMPLES = 2_000
_SAMPLE = 2_000  # of the training part, for mean and deviation
# Of every 9 digits in the order of the set 6 are for training, 1 for validation, 2 for
# test; the test images are the same for every seed.
_ROUND = 9
_PARTS = {"train": range(6), "validation": range(6, 7), "test": range(7, 9)}
_FIXED_SEED = 20180430

# In 32nds of the canvas.
_DIGIT_SIZES = (12, 13, 14)
_FRAGMENT_SIZES = (5, 6, 7)
_FRAGMENTS = 6
# Places tried for each fragment, to leave most digits uncovered.
_TRIES = 3
_GROUND_MOST = 80
_INK_LEAST = 120
_NOISE = 24

# What the hashed numbers are for.
(_SIZE, _PLACE, _FRAGMENT, _CUT, _SCATTER, _COLOUR, _GROUND, _GRAIN, _INVERT) = range(
    0xD161, 0xD161 + 9
)


@dataclasses.dataclass(frozen=True)
class _Bank:
    """Digits of one part, drawn in every size.

    Attributes:
        ink: uint8 [digits * sizes * side + 1, side + 1], rows of all drawings below
            each other; the last row and column are empty.
        labels: int32 [digits].
        sizes: int32 [3], sides of the drawings in pixels.
        fragments: int32 [3], sides of the windows cut out as fragments.
        canvas: Side of the composite.
    """

    ink: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray
    fragments: np.ndarray
    canvas: int


def load(
    seed: int = 0,
    train_examples: int = 0,
    validation_examples: int = 0,
    image_size: int = 0,
) -> Source:
    """Cluttered digits; see the module.

    Args:
        seed: Of the training composites. Validation and test never change.
        train_examples: Composites per epoch; 0 = 10,000.
        validation_examples: 0 = 1,000.
        image_size: Side of the canvas, at least 32; 0 = 32.
    """
    canvas = image_size or 32
    if canvas < 32:
        raise SettingError("data.image_size", image_size, "32 and more, or 0 for 32")
    validation_examples = validation_examples or VALIDATION_EXAMPLES
    check_images(validation_examples + TEST_EXAMPLES + _SAMPLE, (canvas, canvas))
    bank = _bank("train", canvas)
    train = _fresh_split(bank, train_examples or TRAIN_EXAMPLES, seed)
    if len(np.unique(train.labels)) < 10:
        raise SettingError(
            "data.train_examples", train_examples, "more: not every digit is among them"
        )
    validation = _fixed_split("validation", canvas, validation_examples)
    test = _fixed_split("test", canvas, TEST_EXAMPLES)
    sample = _fixed_split("train", canvas, _SAMPLE).array
    mean, std = statistics(sample)
    return Source(
        name="digits",
        class_names=tuple("0123456789"),
        image_shape=(canvas, canvas, 3),
        train=train,
        validation=validation,
        test=test,
        mean=mean,
        std=std,
        fingerprint=fingerprint(
            f"seed {seed}",
            sample,
            train.labels,
            *(
                part
                for split in (validation, test)
                for part in (split.array, split.labels)
            ),
        ),
    )


def _fresh_split(bank: _Bank, examples: int, seed: int) -> Split:
    labels = bank.labels[np.arange(examples) % len(bank.labels)]

    def images(indices, epoch):
        return compose(bank, indices, seed=seed, epoch=epoch)[0]

    return Split(labels, (bank.canvas, bank.canvas, 3), images)


@functools.lru_cache(maxsize=3)  # a search loads the same ones for each trial
def _fixed_split(part: str, canvas: int, examples: int) -> Split:
    bank = _bank(part, canvas)
    indices = np.arange(examples)
    parts = [
        compose(bank, tf.constant(chunk), seed=_FIXED_SEED, epoch=0)
        for chunk in np.array_split(indices, -(-examples // _at_once(canvas)))
    ]
    images, boxes = (np.concatenate(part) for part in zip(*parts, strict=True))
    labels = bank.labels[indices % len(bank.labels)]
    return array_split(images, labels, boxes)


def _at_once(canvas: int) -> int:
    """How many to compose in one go: many small ones, few large ones."""
    return max(100, 2_000 * 32**2 // canvas**2)


def compose(
    bank: _Bank, indices: tf.Tensor, *, seed: hashing.Integer, epoch: hashing.Integer
) -> tuple[tf.Tensor, tf.Tensor]:
    """Composites number `indices` of an epoch.

    Returns:
        uint8 [B, canvas, canvas, 3] images and int32 [B, 4] boxes.
    """
    draw = functools.partial(hashing.random_bits, seed, epoch, indices)
    own = tf.cast(indices, tf.int32)[:, None] % len(bank.labels)

    scale = hashing.below(draw(_SIZE), len(bank.sizes))
    size = tf.gather(bank.sizes, scale)
    corner = hashing.below(draw(_PLACE, 2), bank.canvas + 1 - size)
    digit = _ink(
        bank, own, scale, corner[:, None], size, tf.zeros_like(corner)[:, None]
    )
    fragments, owner = _strongest(_fragments(bank, own, corner, size, draw))

    colours = draw(_COLOUR, _FRAGMENTS + 1)
    colours = _INK_LEAST + _bytes(colours) * (255 - _INK_LEAST) // 255
    canvas = _background(bank.canvas, draw)
    canvas = _blend(canvas, tf.gather(colours, owner, batch_dims=1), fragments)
    canvas = _blend(canvas, colours[:, -1, None, None], digit[:, 0])
    canvas = _noisy(canvas, draw)
    # Light ink on dark ground in one half of the images, dark on light in the other.
    inverted = hashing.below(draw(_INVERT), 2)[:, :, None, None]
    canvas = tf.where(inverted == 1, 255 - canvas, canvas)
    return tf.cast(canvas, tf.uint8), tf.concat([corner, corner + size], 1)


def _fragments(bank: _Bank, own, corner, size, draw) -> tf.Tensor:
    """Ink of the windows cut out of other digits, int32 [B, fragments, side, side]."""
    bits = draw(_FRAGMENT, 3 * _FRAGMENTS)
    glyph, scale, window = tf.split(bits, 3, axis=1)
    others = len(bank.labels) - 1
    glyph = (own + 1 + hashing.below(glyph, others)) % len(bank.labels)
    scale = hashing.below(scale, len(bank.sizes))
    window = tf.gather(bank.fragments, hashing.below(window, len(bank.fragments)))

    bits = tf.reshape(draw(_CUT, 2 * _FRAGMENTS), [-1, _FRAGMENTS, 2])
    room = tf.gather(bank.sizes, scale) - window
    cut = hashing.below(bits, room[:, :, None] + 1)

    # Of several places the first that keeps clear of the digit.
    bits = draw(_SCATTER, _TRIES * _FRAGMENTS * 2)
    bits = tf.reshape(bits, [-1, _TRIES, _FRAGMENTS, 2])
    places = hashing.below(bits, bank.canvas + 1 - window[:, None, :, None])
    place = places[:, -1]
    for attempt in reversed(range(_TRIES - 1)):
        here = places[:, attempt]
        apart = (here + window[:, :, None] <= corner[:, None]) | (
            here >= (corner + size)[:, None]
        )
        place = tf.where(tf.reduce_any(apart, 2, keepdims=True), here, place)
    return _ink(bank, glyph, scale, place, window, cut)


def _ink(bank: _Bank, glyph, scale, place, window, cut) -> tf.Tensor:
    """Windows of drawings, each put at its place on an empty canvas.

    `glyph`, `scale` [B, P] choose the drawing, `window` [B, P] is the window's side,
    `place` and `cut` [B, P, 2] its top and left on the canvas and in the drawing.
    Returns int32 [B, P, side, side], 0 to 255.
    """
    rows, columns = bank.ink.shape
    pixels = tf.range(bank.canvas) - place[..., None]
    inside = (pixels >= 0) & (pixels < window[:, :, None, None])
    pixels += cut[..., None]
    first_row = (glyph * len(bank.sizes) + scale) * (columns - 1)
    row = tf.where(inside[:, :, 0], first_row[:, :, None] + pixels[:, :, 0], rows - 1)
    column = tf.where(inside[:, :, 1], pixels[:, :, 1], columns - 1)
    index = (row * columns)[:, :, :, None] + column[:, :, None, :]
    return tf.cast(tf.gather(bank.ink.ravel(), index), tf.int32)


def _strongest(ink: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The largest of [B, P, side, side] over P, and which one it is."""
    patches = ink.shape[1]
    number = tf.range(patches)[None, :, None, None]
    largest = tf.reduce_max(ink * patches + number, 1)
    return largest // patches, largest % patches


def _blend(canvas, colour, ink) -> tf.Tensor:
    ink = ink[..., None]
    return canvas + tf.bitwise.right_shift(ink * (colour - canvas), 8)


def _bytes(bits: tf.Tensor) -> tf.Tensor:
    """Three bytes of each number, as a last dimension of int32."""
    return tf.stack([hashing.byte(bits, channel) for channel in range(3)], -1)


def _background(side: int, draw) -> tf.Tensor:
    """A dark colour with a slight slope, int32 [B, side, side, 3]."""
    colours = _bytes(draw(_GROUND, 3)) * _GROUND_MOST // 255
    start, down, right = tf.unstack(colours[:, :, None, None], axis=1)
    ramp = tf.range(side)
    y, x = ramp[:, None, None], ramp[:, None]
    return start + ((down - start) * y + (right - start) * x) // (2 * side)


def _noisy(canvas: tf.Tensor, draw) -> tf.Tensor:
    side = canvas.shape[1]
    grain = _bytes(tf.reshape(draw(_GRAIN, side * side), [-1, side, side]))
    noise = tf.bitwise.right_shift(grain * _NOISE, 8) - _NOISE // 2
    return tf.clip_by_value(canvas + noise, 0, 255)


@functools.lru_cache(maxsize=len(_PARTS))
def _bank(part: str, canvas: int) -> _Bank:
    glyphs, labels = _handwritten()
    # A digit's number within its class decides its part, so that classes stay balanced.
    rank = np.zeros_like(labels)
    for label in range(10):
        rank[labels == label] = np.arange(np.sum(labels == label))
    chosen = np.isin(rank % _ROUND, _PARTS[part])
    sizes = [side * canvas // 32 for side in _DIGIT_SIZES]
    fragments = [side * canvas // 32 for side in _FRAGMENT_SIZES]
    return _Bank(
        ink=_draw(glyphs[chosen], sizes),
        labels=labels[chosen],
        sizes=np.array(sizes, np.int32),
        fragments=np.array(fragments, np.int32),
        canvas=canvas,
    )


@functools.cache
def _handwritten() -> tuple[np.ndarray, np.ndarray]:
    """uint8 [1797, 8, 8] glyphs and int32 [1797] labels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    glyphs = (digits.images * 255 / 16).astype(np.uint8)
    return glyphs, digits.target.astype(np.int32)


def _draw(glyphs: np.ndarray, sizes: list[int]) -> np.ndarray:
    """The glyphs in every size; see `_Bank.ink`."""
    from PIL import Image

    side = sizes[-1]
    ink = np.zeros((len(glyphs), len(sizes), side, side + 1), np.uint8)
    for number, glyph in enumerate(glyphs):
        for scale, size in enumerate(sizes):
            drawing = Image.fromarray(glyph).resize((size, size), Image.BICUBIC)
            ink[number, scale, :size, :size] = drawing
    rows = ink.reshape(-1, side + 1)
    return np.concatenate([rows, np.zeros_like(rows[:1])])
