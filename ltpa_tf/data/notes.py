"""What to know of a data set before training: its sizes, and what is uneven."""

import numpy as np

from ltpa_tf.data.sharpness import detail
from ltpa_tf.data.source import Source
from ltpa_tf.words import count

# From here on a class is worth a word: the largest has so many times its images.
_UNEQUAL = 3
# Parts of so many images whose sharpness differs by this factor are worth a word.
_SHARPER, _TOLD_APART = 1.25, 100


def notes(
    source: Source, *, class_weights: bool = False, sharpness: bool = False
) -> list[str]:
    """A sentence on each thing that is worth one; the first has the sizes.

    Args:
        source: The data set.
        class_weights: Whether training makes up for unequal classes.
        sharpness: Whether training makes up for parts that differ in sharpness.
    """
    return [
        _sizes(source),
        *_balance(source, class_weights),
        *_sharpness(source, sharpness),
    ]


def _sizes(source: Source) -> str:
    parts = [
        f"{len(split):,} {name}"
        for name, split in (
            ("training", source.train),
            ("validation", source.validation),
            ("test", source.test),
        )
        if split is not None
    ]
    height, width, _ = source.image_shape
    listed = ", ".join(parts)
    classes = len(source.class_names)
    return f"{source.name}: {listed} images of {height}x{width} in {classes} classes."


def _balance(source: Source, made_up_for: bool) -> list[str]:
    numbers = np.bincount(source.train.labels, minlength=len(source.class_names))
    fewest, most = int(numbers.argmin()), int(numbers.argmax())
    if numbers[most] < _UNEQUAL * numbers[fewest]:
        return []
    names = source.class_names
    way_out = "train.class_weights=balanced lets every class count alike"
    if made_up_for:
        way_out = "train.class_weights makes up for it"
    return [
        f"The classes are unequal: {count(int(numbers[fewest]), 'training image')} of "
        f"{names[fewest]!r}, {numbers[most]:,} of {names[most]!r}; {way_out}."
    ]


def _sharpness(source: Source, made_up_for: bool) -> list[str]:
    if source.sharp_test is not None and not source.softening:
        return [
            "data.match_sharpness changes nothing: the test images are as sharp as the "
            "training images."
        ]
    if source.test is None or min(map(len, (source.train, source.test))) < _TOLD_APART:
        return []
    train, test = (detail(part) for part in (source.train, source.test))
    if not train or 1 / _SHARPER < test / train < _SHARPER:
        return []
    way_out = (
        "augment.sharpness=2.0 trains for both, data.match_sharpness=True brings the "
        "test images to the training images'"
    )
    if made_up_for:
        way_out = "augment.sharpness trains for both"
    return [
        f"The test images are {test / train:.2f} times as sharp as the training "
        f"images: they may have been made smaller in another way; {way_out}."
    ]
