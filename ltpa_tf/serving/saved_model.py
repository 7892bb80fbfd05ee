"""From a trained model to a versioned SavedModel."""

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from ltpa_tf.run import write_json
from ltpa_tf.serving import versions
from ltpa_tf.serving.signatures import Signatures

CLASS_NAMES_FILE = "class_names.json"


def export(
    model: keras.Model,
    directory: str | os.PathLike,
    *,
    class_names: Sequence[str],
    version: int | None = None,
) -> Path:
    """Writes `directory/VERSION/`, ready for TensorFlow Serving.

    The signatures are those of `Signatures`. All preprocessing is inside, and
    `tf.saved_model.load` needs nothing of this package.

    Args:
        model: As `ltpa_tf.models.build` makes it; it takes pixel values 0 to 255.
        directory: Folder of the model's versions; made if missing.
        class_names: One name for each class, in the order of the labels.
        version: A positive integer that doesn't exist yet; None takes the next one.

    Returns:
        The folder of the new version.

    Raises:
        SettingError: If the version exists, the names don't match the model, or the
            folder can't be written to.
    """
    directory = Path(directory)
    version = versions.free_version(directory, version)
    signatures = Signatures(model, class_names)
    with versions.new_version(directory, version) as aside:
        _write(signatures, aside)
        write_json(aside / CLASS_NAMES_FILE, list(signatures.class_names))
    return directory / str(version)


def _write(signatures: Signatures, folder: Path) -> None:
    archive = keras.export.ExportArchive()
    archive.track(signatures.network)
    for name, (function, spec) in signatures.functions().items():
        archive.add_endpoint(name, function, input_signature=[spec])
    with _quiet():
        archive.write_out(str(folder), verbose=False)


@contextlib.contextmanager
def _quiet():
    """Without the lines that TensorFlow logs while it writes."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
