"""A finished run, exported."""

import logging
import os
from pathlib import Path

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.serving.card import facts_of
from ltpa_tf.serving.saved_model import export

_SAMPLES = 8


def export_run(
    run: RunFolder,
    directory: str | os.PathLike,
    *,
    weights: str = "final",
    version: int | None = None,
    stable: bool = False,
    keep: int = 0,
) -> Path:
    """Exports a run's model, with a card of what the run knows and sample images.

    Args:
        run: A finished run.
        directory: Folder of the model's versions.
        weights: `"final"` or `"best"`.
        version: See `export`.
        stable: See `export`.
        keep: See `export`.

    Returns:
        The folder of the new version.

    Raises:
        SettingError: If there is no such run or model, or as `export` does.
    """
    return export(
        run.load_model(weights),
        directory,
        class_names=run.read_dataset()["class_names"],
        version=version,
        facts=facts_of(run),
        samples=_samples(run),
        stable=stable,
        keep=keep,
    )


def _samples(run: RunFolder) -> dict[str, np.ndarray]:
    """Held-out images of the first classes, by name; none if the data isn't here."""
    try:
        source = run.load_source()
    except SettingError as error:
        logging.warning("no sample images are exported: %s", error)
        return {}
    split = source.test or source.validation
    if split is None:
        return {}
    _, first = np.unique(split.labels, return_index=True)
    chosen = first[np.linspace(0, len(first) - 1, _SAMPLES, dtype=int)]
    chosen = list(dict.fromkeys(chosen.tolist()))
    images = np.asarray(split.images(np.array(chosen, np.int64), np.int64(0)))
    names = [source.class_names[split.labels[index]] for index in chosen]
    return dict(zip(names, images, strict=True))
