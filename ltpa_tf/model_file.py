"""The `.keras` files of runs."""

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.files import written_aside

if TYPE_CHECKING:
    import keras


def read_model(file: Path) -> "keras.Model":
    """The model in a `.keras` file.

    Raises:
        SettingError: If the file can't be read.
    """
    import keras

    from ltpa_tf import layers, models  # noqa: F401  (register what the file names)

    try:
        return keras.models.load_model(file)
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:
        raise SettingError(
            str(file),
            f"a file that can't be read ({str(error).partition(chr(10))[0]})",
            "a whole model file, written by this version",
        ) from error


def save_model(model: "keras.Model", file: Path) -> None:
    """Writes a `.keras` file whole or not at all."""
    # One process trains in a folder, and resumed it saves this file again.
    with written_aside(file, alone=True) as aside:
        model.save(aside)


def weights_sha256(model: "keras.Model") -> str:
    """SHA-256 over shape, dtype and values of `model.weights`, in order."""
    from keras import ops

    digest = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(ops.convert_to_numpy(weight))
        digest.update(f"{value.dtype.str} {value.shape}\n".encode())
        digest.update(value.data)
    return digest.hexdigest()
