"""Translated and cluttered MNIST: a digit somewhere on a large dark canvas.

As in Mnih et al., "Recurrent Models of Visual Attention" (arXiv 1406.6247, section
4.1): "translated_mnist" is a digit at a random place of a canvas of 60x60 pixels; in
"cluttered_mnist" four windows of 8x8, cut out of other digits at random, are added at
random places. `data.dir` is MNIST itself, an .npz file with `x_train, y_train, x_test,
y_test`; `data.image_size` the side of the canvas, 60 or, as there too, 100.

An image is a function of the seed and its number alone, bitwise the same everywhere.
They are made once: with `data.train_examples` above the number of digits, of each digit
so many different ones. No digit stands in two parts, not even as clutter, and the test
images are the same for every seed.
"""

import functools
from pathlib import Path

import numpy as np

from ltpa_tf.data import hashing
from ltpa_tf.data.arrays import read_npz
from ltpa_tf.data.memory import check_images
from ltpa_tf.data.source import Source, Split, array_split, fingerprint
from ltpa_tf.data.splits import held_out, make_source
from ltpa_tf.errors import SettingError

NAMES = ("translated_mnist", "cluttered_mnist")
PIECES = 4
_WINDOW = 8
_SIDE = 60
_CHUNK = 10_000
# Of validation and test: none that a user's seed, below 2**32, could be.
_FIXED_SEED = 2**40
# `hashing.below` counts no further.
_MOST_DIGITS = 2**16

_PLACE, _DIGIT, _CUT, _SCATTER = range(0x3157, 0x3157 + 4)


def load_scattered(
    name: str,
    file: str,
    image_size: int = 0,
    seed: int = 0,
    train_examples: int = 0,
    validation_examples: int = 0,
    validation_share: float = 0.0,
) -> Source:
    """Translated or cluttered digits; see the module and `load`.

    Args:
        name: One of `NAMES`.
        file: The .npz file with the digits.
        image_size: Side of the canvas; 0 = 60.
        seed: Of the training images, and of the digits set aside for validation.
        train_examples: How many training images; 0 = one of each digit.
        validation_examples: Digits set aside; 0 = by `validation_share`.
        validation_share: The share of the digits to set aside.

    Raises:
        SettingError: Naming the file or setting that can't be used.
    """
    parts, names, _ = read_npz(file)
    digits = {part: _grey(images, file, part) for part, (images, _) in parts.items()}
    labels = {part: numbers for part, (_, numbers) in parts.items()}
    side = image_size or _SIDE
    for part, bank in digits.items():
        if max(bank.shape[1:]) > side:
            raise SettingError(
                "data.image_size",
                image_size,
                f"{max(bank.shape[1:])} and more: the digits of {file} are as large",
            )
        if min(bank.shape[1:]) < _WINDOW or not 2 <= len(bank) <= _MOST_DIGITS:
            raise SettingError(
                f"{file}: x_{part}",
                f"shape {bank.shape}",
                f"2 to {_MOST_DIGITS} digits of {_WINDOW}x{_WINDOW} pixels and more",
            )
    pieces = PIECES if name == "cluttered_mnist" else 0
    make = functools.partial(_split, side=side, pieces=pieces)
    count = len(labels["train"])
    aside = validation_examples or round(validation_share * count)
    if aside > count - len(names):
        raise SettingError(
            "data.validation_examples",
            aside,
            f"at most {count - len(names)} of the {count} training digits: one of each "
            f"of the {len(names)} classes is left to train on",
        )
    train_examples = train_examples or count - aside
    tested = len(labels.get("test", ()))
    check_images(train_examples + aside + tested, (side, side))
    kept, validation = np.arange(count), None
    if aside:
        chosen, _ = held_out(labels["train"], aside, seed)
        kept = np.setdiff1d(kept, chosen)
        validation = make(
            digits["train"][chosen], labels["train"][chosen], aside, _FIXED_SEED
        )
    train = make(digits["train"][kept], labels["train"][kept], train_examples, seed)
    test = None
    if "test" in digits:
        numbers = labels["test"]
        test = make(digits["test"], numbers, len(numbers), _FIXED_SEED + 1)
    splits = (train, validation, test)
    arrays = [x for split in splits if split for x in (split.array, split.labels)]
    return make_source(
        name,
        names,
        train,
        validation=validation,
        test=test,
        identity=fingerprint(name, *arrays),
        where=file,
        seed=seed,
        train_examples=0,
        validation_examples=0,
    )


def _grey(images: np.ndarray, file: str | Path, part: str) -> np.ndarray:
    """uint8 `[N, H, W]` of `[N, H, W, 3]`."""
    if not (images == images[..., :1]).all():
        raise SettingError(f"{file}: x_{part}", "coloured images", "grey ones")
    return images[..., 0]


def _split(
    digits: np.ndarray, labels: np.ndarray, examples: int, seed: int, **settings
) -> Split:
    """So many images, of each digit in turn."""
    chunks = np.array_split(np.arange(examples), -(-examples // _CHUNK))
    made = [compose(digits, chunk, seed, **settings) for chunk in chunks]
    images, boxes = (np.concatenate(part) for part in zip(*made, strict=True))
    rgb = np.repeat(images[..., None], 3, axis=-1)
    return array_split(rgb, labels[np.arange(examples) % len(labels)], boxes)


def compose(
    digits: np.ndarray, indices: np.ndarray, seed: int, *, side: int, pieces: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images number `indices`.

    Args:
        digits: uint8 `[N, h, w]`; image i shows number i modulo N.
        indices: int `[B]`.
        seed: Of places and clutter.
        side: Of the canvas.
        pieces: Windows of clutter.

    Returns:
        uint8 `[B, side, side]`, and int32 `[B, 4]`, the boxes of the digits' ink.
    """
    count, (height, width) = len(indices), digits.shape[1:]
    own = indices % len(digits)

    def draw(purpose, bounds):
        bits = hashing.random_bits(seed, 0, indices, purpose, lanes=len(bounds))
        return np.stack(
            [hashing.below(bits[:, i], n).numpy() for i, n in enumerate(bounds)], 1
        )

    canvas = np.zeros((count, side, side), np.uint16)
    corner = draw(_PLACE, [side + 1 - height, side + 1 - width])
    _add(canvas, digits[own], corner)
    bounds = [len(digits) - 1] * pieces
    others = (own[:, None] + 1 + draw(_DIGIT, bounds)) % len(digits) if pieces else None
    for piece in range(pieces):
        room = [height + 1 - _WINDOW, width + 1 - _WINDOW]
        cut = draw(_CUT + 16 * (piece + 1), room)
        rows, columns = _pixels(cut, _WINDOW, _WINDOW)
        window = digits[others[:, piece, None, None], rows, columns]
        free = side + 1 - _WINDOW
        _add(canvas, window, draw(_SCATTER + 16 * (piece + 1), [free, free]))
    boxes = _ink_box(digits)[own] + np.tile(corner, 2)
    return np.minimum(canvas, 255).astype(np.uint8), boxes.astype(np.int32)


def _add(canvas: np.ndarray, windows: np.ndarray, corner: np.ndarray) -> None:
    """Adds `[B, h, w]` to each image at its place."""
    rows, columns = _pixels(corner, *windows.shape[1:])
    canvas[np.arange(len(canvas))[:, None, None], rows, columns] += windows


def _pixels(corner: np.ndarray, height: int, width: int) -> tuple:
    """Rows `[B, h, 1]` and columns `[B, 1, w]` of windows with these corners."""
    rows = corner[:, :1] + np.arange(height)
    columns = corner[:, 1:] + np.arange(width)
    return rows[:, :, None], columns[:, None, :]


def _ink_box(digits: np.ndarray) -> np.ndarray:
    """`[N, 4]`: top, left, bottom, right of what isn't black; of none, everything."""
    sides = []
    for axis in (2, 1):
        inked = (digits > 0).any(axis)
        inked[~inked.any(1)] = True
        sides.append((inked.argmax(1), inked.shape[1] - inked[:, ::-1].argmax(1)))
    (top, bottom), (left, right) = sides
    return np.stack([top, left, bottom, right], 1)
