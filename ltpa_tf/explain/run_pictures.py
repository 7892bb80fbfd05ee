"""A finished run, explained into its folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.explain.explanation import Explanation, explain
from ltpa_tf.explain.figure import draw
from ltpa_tf.explain.paths import draw_paths
from ltpa_tf.plotting import style
from ltpa_tf.run import RunFolder

MOST = 24
"""Images in `attention.png`; of more, the first. Each has a file of its own anyway."""


def explain_run(
    run: RunFolder,
    *,
    split: str = "test",
    weights: str = "final",
    indices: Sequence[int] | None = None,
    count: int = 8,
    seed: int = 0,
) -> list[Path]:
    """Draws where a run's model looks on held-out examples.

    Args:
        run: A finished run.
        split: `"test"` or `"validation"`.
        weights: `"final"` or `"best"`.
        indices: Which examples of the split; None draws `count` of them at random.
        count: How many examples to draw, at most.
        seed: Of that draw.

    Returns:
        `attention.png` with a row for each example (the first 24), then
        `attention/NNN.png`, one each; of a model that takes glimpses `glimpses.png`.

    Raises:
        SettingError: If there is no such run, model, data, split or example.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> [file.name for file in explain.explain_run(run, count=2)]
        ['attention.png', '000.png', '001.png']
    """
    check_indices(run, split, indices)
    examples = run.load_split(split)
    model = run.load_model(weights)
    indices = chosen(len(examples), indices, count, seed)
    where = np.array(indices, np.int64)
    from ltpa_tf.models import glimpses_of  # not before TensorFlow is needed

    if glimpses_of(model) is not None:
        images = np.asarray(examples.images(where[:MOST], np.int64(0)))
        names, file = run.read_dataset()["class_names"], run.path / "glimpses.png"
        return [draw_paths(model, images, names, file, examples.labels[where])]
    explanations = explain(
        model,
        np.asarray(examples.images(where, np.int64(0))),
        labels=examples.labels[where],
        boxes=None if examples.boxes is None else examples.boxes[where],
        names=[f"{split} {index}" for index in indices],
    )
    return write(run, explanations)


def check_indices(run: RunFolder, split: str, indices: Sequence[int] | None) -> None:
    """Refuses examples that aren't there before the data is loaded.

    Raises:
        SettingError: Naming the first.
    """
    known = run.read_dataset().get("sizes", {}).get(split)
    if known and indices is not None:
        chosen(known, indices, 0, 0)


def chosen(
    available: int, indices: Sequence[int] | None, count: int, seed: int
) -> list[int]:
    """Which of so many examples `explain_run`'s arguments mean.

    Raises:
        SettingError: If there is no such example.
    """
    if indices is None:
        if count < 1:
            raise SettingError("--count", count, "1 or more")
        size = min(count, available)
        drawn = np.random.default_rng(seed).choice(available, size, replace=False)
        indices = sorted(drawn.tolist())
    if not len(indices):
        raise SettingError("--indices", "", f"0 to {available - 1}, at least one")
    for index in indices:
        if not 0 <= index < available:
            raise SettingError("--indices", index, f"0 to {available - 1}")
    return list(indices)


def explain_images(
    run: RunFolder, images: np.ndarray, names: Sequence[str], *, weights: str = "final"
) -> list[Path]:
    """Draws where a run's model looks on a user's own images.

    Args:
        run: A finished run.
        images: uint8 `[N, H, W, 3]` in the model's size.
        names: N texts, such as the files' names.
        weights: `"final"` or `"best"`.

    Returns:
        As `explain_run`.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> images = np.zeros((1, 32, 32, 3), np.uint8)
        >>> files = explain.explain_images(run, images, ["nothing"])
        >>> [file.name for file in files]
        ['attention.png', '000.png']
    """
    return write(run, explain(run.load_model_for_use(weights), images, names=names))


def write(run: RunFolder, explanations: Sequence[Explanation]) -> list[Path]:
    """Writes `attention.png`, and `attention/NNN.png` in place of all earlier ones."""
    class_names = run.read_dataset()["class_names"]
    folder = run.path / "attention"
    for earlier in folder.glob("[0-9]*.png"):
        earlier.unlink()
    singles = [
        style.save(draw([one], class_names), folder / f"{number:03d}.png")
        for number, one in enumerate(explanations)
    ]
    together = draw(explanations[:MOST], class_names)
    return [style.save(together, run.path / "attention.png"), *singles]
