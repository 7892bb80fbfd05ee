"""From the parts that a source brings to a `Source`: checks, validation, statistics."""

from collections import Counter

import numpy as np

from ltpa_tf.data.encoded import decoded
from ltpa_tf.data.source import Source, Split, fingerprint, statistics
from ltpa_tf.errors import SettingError

# Images that are decoded one by one are sampled for mean and deviation.
_SAMPLE = 1_000


def make_source(
    name: str,
    class_names: tuple[str, ...],
    train: Split,
    *,
    test: Split | None = None,
    validation: Split | None = None,
    identity: str,
    where: str,
    seed: int,
    train_examples: int,
    validation_examples: int,
) -> Source:
    """Checks the parts, sets the validation part aside, and measures.

    Without a validation part of its own, `validation_examples` are taken from the
    training part, by `seed` and in proportion to its classes. After that
    `train_examples` keeps the first of what is left, in the source's own order.

    Args:
        name: As in `data.name`.
        class_names: In the order of the labels.
        train: What the source brings for training, all of it.
        test: Its test part.
        validation: Its own validation part.
        identity: Fingerprint of all of that.
        where: Path of the data, for messages.
        seed: Of the validation part.
        train_examples: 0 = all.
        validation_examples: 0 = none, or the source's own.

    Raises:
        SettingError: When labels or sizes can't be used.
    """
    parts = {"training": train, "validation": validation, "test": test}
    for part, split in parts.items():
        if split is not None:
            check_labels(split.labels, class_names, f"{where} ({part} part)")
    check_classes(train.labels, class_names, where)

    if validation_examples and validation is not None:
        raise SettingError(
            "data.validation_examples",
            validation_examples,
            f"0, because {name} brings a validation part of {len(validation)} examples",
        )
    if validation_examples >= len(train):
        raise SettingError(
            "data.validation_examples",
            validation_examples,
            f"less than the {len(train)} training examples",
        )
    if validation_examples:
        order = stratified_order(train.labels, seed)
        aside, rest = np.split(order, [validation_examples])
        validation = train.subset(np.sort(aside))
        train = train.subset(np.sort(rest))
    if train_examples > len(train):
        raise SettingError(
            "data.train_examples",
            train_examples,
            f"0 (all) to {len(train)}, the training examples outside of validation",
        )
    if train_examples:
        train = train.subset(np.arange(train_examples))

    mean, std = statistics(_sample(train))
    split_by = f"seed {seed}" if validation_examples else ""
    return Source(
        name=name,
        class_names=tuple(class_names),
        image_shape=train.shape,
        train=train,
        validation=validation,
        test=test,
        mean=mean,
        std=std,
        fingerprint=fingerprint(
            [
                identity,
                f"{train_examples} {validation_examples} {train.shape}",
                split_by,
            ]
        ),
    )


def stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """A random order in which every beginning has the classes in proportion.

    Args:
        labels: Integers [N].
        seed: The same seed gives the same order, always.

    Returns:
        int64 [N], a permutation.
    """
    # RandomState's streams are frozen; those of newer generators may change.
    shuffled = np.random.RandomState(seed % 2**32).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(place[shuffled], kind="stable")]


def check_labels(labels: np.ndarray, class_names: tuple[str, ...], where: str) -> None:
    """Refuses labels without a name."""
    wrong = np.flatnonzero((labels < 0) | (labels >= len(class_names)))
    if len(wrong):
        raise SettingError(
            where,
            f"label {labels[wrong[0]]} of example {wrong[0]}",
            f"labels 0 to {len(class_names) - 1}, as there are {len(class_names)} "
            "class names",
        )


def check_classes(labels: np.ndarray, class_names: tuple[str, ...], where: str) -> None:
    """Refuses fewer than two classes, equal names, and a class without an image."""
    if len(class_names) < 2:
        raise SettingError(where, f"{len(class_names)} class", "at least 2 classes")
    twice = [name for name, count in Counter(class_names).items() if count > 1]
    if twice:
        raise SettingError(where, f"two classes {min(twice)!r}", "a name for each")
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():
        raise SettingError(
            where,
            f"class {class_names[int(counts.argmin())]!r} without a training image",
            "at least one training image in every class",
        )


def _sample(split: Split) -> np.ndarray:
    if split.array is not None:
        return split.array
    indices = np.linspace(0, len(split) - 1, _SAMPLE).astype(np.int64)
    return decoded(split, np.unique(indices))
