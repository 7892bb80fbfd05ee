"""Weights files of presets: as Keras writes them, with kernels in 16 or 8 bits.

Vectors (biases, batch norm) stay float32; the scores' u is a kernel with one output. An
8-bit kernel holds whole numbers and, as the attribute `scale`, what one of them is
worth: one float32 for each output channel, the largest weight of which is 127.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from ltpa_tf.files import written_aside

STORAGES = ("float16", "int8")


def narrow(file: Path, storage: str) -> None:
    """Rewrites a file of float32 weights with kernels in `storage`."""
    with written_aside(file) as aside:
        _copy(file, aside, _halved if storage == "float16" else _rounded)


@contextlib.contextmanager
def readable(file: Path, storage: str) -> Iterator[Path]:
    """The file in a form that Keras reads: itself, unless its kernels are int8."""
    if storage == "float16":
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, file.name)
        _copy(file, whole, _restored)
        yield whole


def _halved(array: np.ndarray, attributes: dict) -> tuple[np.ndarray, dict]:
    return (array.astype(np.float16) if _is_kernel(array) else array), attributes


def _rounded(array: np.ndarray, attributes: dict) -> tuple[np.ndarray, dict]:
    if not _is_kernel(array):
        return array, attributes
    largest = np.abs(array).max(tuple(range(array.ndim - 1)))
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(array / scale).astype(np.int8), attributes | {"scale": scale}


def _restored(array: np.ndarray, attributes: dict) -> tuple[np.ndarray, dict]:
    if "scale" not in attributes:
        return array, attributes
    scale = attributes.pop("scale")
    return array.astype(np.float32) * scale, attributes


def _is_kernel(array: np.ndarray) -> bool:
    return array.ndim > 1 and array.dtype == np.float32


def _copy(source: Path, target: Path, change: Callable) -> None:
    """Copies an HDF5 file, each array as `change(array, attributes)` makes it."""
    with h5py.File(source) as read, h5py.File(target, "w") as write:

        def copy(name, item):
            attributes = dict(item.attrs)
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise ValueError(f"{name} is in another file")
                array, attributes = change(item[()], attributes)
                copied = write.create_dataset(name, data=array)
            else:
                copied = write.require_group(name)
            copied.attrs.update(attributes)

        read.visititems(copy)
