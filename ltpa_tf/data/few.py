"""A small task out of a large one: few images of some classes, as an `.npz`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ltpa_tf.data import arrays
from ltpa_tf.errors import SettingError
from ltpa_tf.files import written_aside
from ltpa_tf.home import expanded
from ltpa_tf.words import one_of

_COARSE = "coarse_label_names"


def write_few(
    source: str | Path,
    target: str | Path,
    *,
    classes: Sequence[str],
    per_class: int,
    seed: int = 0,
    held_out: bool = False,
) -> Path:
    """Writes an `.npz` of a few training images of some classes, and their test images.

    Args:
        source: An `.npz` file as in `ltpa_tf.data.arrays` with `label_names` and a test
            part, such as of CIFAR-100.
        target: The new file; one that is there is replaced.
        classes: Names of classes; or of superclasses (`coarse_label_names`, with
            `y_train_coarse`), which stand for all their classes.
        per_class: How many training images of each.
        seed: Chooses them. The same seed chooses the same, always.
        held_out: Takes the test part from the training images that weren't chosen, all
            of them, to choose settings by without the test images.

    Returns:
        The file, with `x_train, y_train, x_test, y_test, label_names`, and boxes and
        masks of the images that have them.

    Raises:
        SettingError: No such file, class, or so many images of a class; or the new file
            can't be written: one that was there stays as it was.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> images = rng.integers(0, 256, (40, 32, 32, 3), dtype="uint8")
        >>> labels = np.arange(40) % 4
        >>> arrays = {"x_train": images, "y_train": labels}
        >>> arrays |= {"x_test": images, "y_test": labels, "label_names": list("abcd")}
        >>> np.savez("all.npz", **arrays)
        >>> from ltpa_tf.data.few import write_few
        >>> file = write_few("all.npz", "few.npz", classes=["b", "d"], per_class=3)
        >>> np.load(file)["x_train"].shape, np.load(file)["x_test"].shape
        ((6, 32, 32, 3), (20, 32, 32, 3))
    """
    source, target = expanded(source, "--source"), expanded(target, "--npz")
    if target.suffix != ".npz" or not target.parent.is_dir():
        raise SettingError(
            "--npz", str(target), "an .npz file in a folder that is there"
        )
    parts, names, boxes = arrays.read_npz(source, deep=True)
    chosen = _numbers(source, names, parts["train"][1], classes)
    if per_class < 1:
        raise SettingError("--per_class", per_class, "1 or more")
    if "test" not in parts and not held_out:
        raise SettingError(str(source), sorted(parts), "x_test and y_test, too")

    labels = parts["train"][1]
    rng = np.random.default_rng(seed)
    few, rest = [], []
    for number in chosen:
        own = np.flatnonzero(labels == number)
        if len(own) < per_class + held_out:
            raise SettingError(
                "--per_class",
                per_class,
                f"at most {len(own) - held_out}, as many as "
                f"there are of {names[number]!r}",
            )
        own = rng.permutation(own)
        few.append(np.sort(own[:per_class]))
        rest.append(np.sort(own[per_class:]))
    few, rest = np.concatenate(few), np.concatenate(rest)
    tested = "train" if held_out else "test"
    test_labels = parts[tested][1]
    test = rest if held_out else np.flatnonzero(np.isin(test_labels, chosen))
    content = {"label_names": np.array([names[number] for number in chosen])}
    for part, of, indices in (("train", "train", few), ("test", tested, test)):
        images, labels = parts[of]
        content[f"x_{part}"] = images[indices]
        content[f"y_{part}"] = np.searchsorted(chosen, labels[indices])
        masks = arrays.read_masks(source, of, images.shape[:3])
        for what, known in (("boxes", boxes.get(of)), ("masks", masks)):
            if known is not None:
                content[f"{what}_{part}"] = known[indices]
    try:
        with written_aside(target) as aside:
            np.savez_compressed(aside, **content)
    except OSError as error:
        raise SettingError(
            "--npz", str(target), f"a file that can be written to ({error.strerror})"
        ) from None
    return target


def _numbers(
    source: Path, names: Sequence[str], labels: np.ndarray, wanted: Sequence[str]
) -> list[int]:
    """The wanted classes' numbers, in ascending order."""
    groups = {name: {number} for number, name in enumerate(names)}
    with np.load(source, allow_pickle=False) as archive:
        if _COARSE in archive and "y_train_coarse" in archive:
            coarse = archive["y_train_coarse"]
            for number, name in enumerate(archive[_COARSE].astype(str)):
                groups[name] = set(labels[coarse == number].tolist())
    for name in wanted:
        if name not in groups:
            raise SettingError("--classes", name, one_of(sorted(groups)))
    chosen = sorted(set().union(*(groups[name] for name in wanted)))
    if len(chosen) < 2:
        raise SettingError("--classes", ",".join(wanted), "at least 2 classes")
    return chosen
