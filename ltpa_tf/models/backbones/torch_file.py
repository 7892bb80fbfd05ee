"""Arrays of a file that PyTorch before 1.6 has saved, without PyTorch.

Such a file is four pickles (a magic number, a version, facts of the machine, and the
object), then one with the keys of the storages, then these: eight bytes with how many
values, and the values (`torch.serialization._legacy_save`).
"""

import collections
import pickle
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Tensor(NamedTuple):
    """Where an array's values are: arguments of `torch._utils._rebuild_tensor_v2`."""

    storage: tuple[str, np.dtype]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    hooks: object


class _Unpickler(pickle.Unpickler):
    """Makes nothing but dictionaries of tensors, whatever a file asks for."""

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it holds {module}.{name}, not only arrays")

    def persistent_load(self, pid):
        _, dtype, key, *_ = pid
        return key, dtype


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a state dict, by name, as the file has them.

    Nothing in the file is run.

    Raises:
        ValueError: If it isn't such a file.
    """
    try:
        with file.open("rb") as stream:
            if _Unpickler(stream).load() != _MAGIC:
                raise ValueError("it doesn't begin as PyTorch before 1.6 wrote it")
            _Unpickler(stream).load()  # the format's version
            _Unpickler(stream).load()  # the machine
            tensors = _Unpickler(stream).load()
            dtypes = dict(tensor.storage for tensor in tensors.values())
            keys = _Unpickler(stream).load()
            storages = {key: _read_storage(stream, dtypes[key]) for key in keys}
    except (AttributeError, EOFError, KeyError, TypeError, pickle.PickleError) as error:
        raise ValueError(str(error)) from error
    return {name: _array(storages, tensor) for name, tensor in tensors.items()}


def _read_storage(stream: BinaryIO, dtype: np.dtype) -> np.ndarray:
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * dtype.itemsize), dtype)


def _array(storages: dict[str, np.ndarray], tensor: _Tensor) -> np.ndarray:
    values = storages[tensor.storage[0]][tensor.offset :]
    shape, strides = tensor.shape, tensor.strides
    last = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min(*shape, *strides, tensor.offset, 0) < 0 or last >= len(values):
        raise ValueError("it ends before its last value")
    steps = [step * values.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(values, shape, steps, writeable=False)
