"""From the parts that a source brings to a `Source`: checks, validation, statistics."""

from collections import Counter

import numpy as np

from ltpa_tf.data.encoded import decoded
from ltpa_tf.data.memory import check_images
from ltpa_tf.data.source import Source, Split, fingerprint, statistics
from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, Preprocessing

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
    validation_share: float = 0.0,
    preprocessing: Preprocessing = DEFAULT,
    skipped: tuple[str, ...] = (),
) -> Source:
    """Checks the parts, sets the validation part aside, and measures.

    Without a validation part of its own, `validation_examples` are taken from the
    training part, by `seed` and in proportion to its classes. After that
    `train_examples` keeps the first of what is left, in the source's own order and also
    in proportion. Of every class at least one image is left to train on, and where
    there are two, and as many are set aside as there are classes, one is set aside.

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
        validation_share: Where both of that would be none, the share of the training
            examples to set aside.
        preprocessing: How files became these images.
        skipped: Files that were left out, for the record.

    Raises:
        SettingError: When labels or sizes can't be used.
    """
    parts = {"training": train, "validation": validation, "test": test}
    for part, split in parts.items():
        if split is not None:
            check_labels(split.labels, class_names, f"{where} ({part} part)")
            _check_shape(part, split.shape, train.shape)
    check_classes(train.labels, class_names, where)

    if validation_examples and validation is not None:
        raise SettingError(
            "data.validation_examples",
            validation_examples,
            f"0, because {name} brings a validation part of {len(validation)} examples",
        )
    classes, choice = len(class_names), []
    if validation is None and not validation_examples:
        share = round(validation_share * len(train))
        share = max(share, classes) if share else 0  # one of each, where there are two
        validation_examples = min(share, len(train) - classes)
    if validation_examples > len(train) - classes:
        raise SettingError(
            "data.validation_examples",
            validation_examples,
            f"at most {len(train) - classes} of the {len(train)} training examples: "
            f"one of each of the {classes} classes is left to train on",
        )
    if validation_examples:
        aside, exceptions = held_out(train.labels, validation_examples, seed)
        rest = np.setdiff1d(np.arange(len(train)), aside)
        validation, train = train.subset(aside), train.subset(rest)
        choice += exceptions
    if train_examples and not classes <= train_examples <= len(train):
        raise SettingError(
            "data.train_examples",
            train_examples,
            f"0 (all), or {classes} (one of each class) to {len(train)}, the training "
            "examples outside of validation",
        )
    if train_examples:
        kept, plain = first_of_each(train.labels, train_examples)
        train = train.subset(kept)
        choice += [] if plain else ["the first of each class"]

    if preprocessing != DEFAULT:  # other pixels of the same files
        identity = fingerprint([identity, str(preprocessing.to_dict())])
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
                # Only where the same settings chose others in earlier versions.
                *choice,
            ]
        ),
        preprocessing=preprocessing,
        skipped=skipped,
    )


def _check_shape(part: str, shape: tuple[int, ...], of_training: tuple[int, ...]):
    if shape != of_training:
        sizes = [f"{height}x{width}" for height, width, _ in (of_training, shape)]
        raise SettingError(
            "data.image_size",
            0,
            f"a size to resize to: training images have {sizes[0]}, those of the "
            f"{part} part {sizes[1]}",
        )


def held_out(
    labels: np.ndarray, examples: int, seed: int
) -> tuple[np.ndarray, list[str]]:
    """Examples to set aside, in proportion to the classes; of none the last one.

    Of every class that has two there is one, where so many are set aside.

    Args:
        labels: Integers [N].
        examples: How many, at most N less the number of classes.
        seed: The same seed chooses the same, always.

    Returns:
        Their sorted indices, and for which reasons they aren't just the beginning of
        the stratified order.
    """
    order = stratified_order(labels, seed)
    _, last = np.unique(labels[order[::-1]], return_index=True)
    last = order[::-1][last]  # of each class, the one that would go last
    others = order[~np.isin(order, last)]
    chosen, reasons = others[:examples], []
    if np.isin(last, order[:examples]).any():
        reasons.append("a training image of every class")
    _, first = np.unique(labels[others], return_index=True)
    if len(chosen) >= len(first) > len(np.unique(labels[chosen])):
        # First one of each class, then the others in their order.
        again = np.concatenate([others[np.sort(first)], np.delete(others, first)])
        chosen = again[:examples]
        reasons.append("a held-out image of every class")
    return np.sort(chosen), reasons


def first_of_each(labels: np.ndarray, examples: int) -> tuple[np.ndarray, bool]:
    """The first examples of each class, in proportion to the classes; none is left out.

    Args:
        labels: Integers [N].
        examples: How many, at least as many as there are classes.

    Returns:
        Their sorted indices, and whether they are just the first of all: where those
        are in proportion, to less than one image of each class, they are taken.
    """
    counts = np.bincount(labels)
    exact = counts * examples / len(labels)
    first = np.bincount(labels[:examples], minlength=len(counts))
    if first.all() and (np.abs(first - exact) < 1).all():
        return np.arange(examples), True
    numbers = np.maximum(np.floor(exact).astype(int), counts > 0)
    while numbers.sum() != examples:  # what rounding, and classes below one image, left
        step = np.sign(examples - numbers.sum())
        gap = step * (exact - numbers)
        gap[(numbers + step < 1) | (numbers + step > counts)] = -np.inf
        numbers[gap.argmax()] += step
    kept = [np.flatnonzero(labels == k)[:n] for k, n in enumerate(numbers)]
    return np.sort(np.concatenate(kept)), False


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
    indices = np.unique(indices)
    check_images(len(indices), split.shape[:2])
    return decoded(split, indices)
