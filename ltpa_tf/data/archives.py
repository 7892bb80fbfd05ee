"""The official CIFAR archives (https://www.cs.toronto.edu/~kriz/cifar.html).

The "python version": `cifar-10-python.tar.gz`, `cifar-100-python.tar.gz`, or the
folder that comes out of one.
"""

import contextlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np

from ltpa_tf.data.arrays import class_numbers, class_texts
from ltpa_tf.errors import SettingError

# By the file that holds the names: files of each part, and the keys of the labels.
_LAYOUTS = {
    "batches.meta": {
        "train": [f"data_batch_{number}" for number in range(1, 6)],
        "test": ["test_batch"],
        "keys": {"label": ("labels", "label_names")},
    },
    "meta": {
        "train": ["train"],
        "test": ["test"],
        "keys": {
            "label": ("fine_labels", "fine_label_names"),
            "coarse_label": ("coarse_labels", "coarse_label_names"),
        },
    },
}
# Nothing but arrays may come out of a pickle that somebody else made.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


def is_archive(source: Path) -> bool:
    """Whether this is a .tar.gz, or a folder with CIFAR's files in it."""
    if source.is_dir():
        return any((source / meta).is_file() for meta in _LAYOUTS)
    return source.name.endswith((".tar.gz", ".tgz", ".tar"))


def read_archive(source: Path) -> tuple[dict, dict]:
    """Reads an official CIFAR archive.

    Args:
        source: The .tar.gz, or the extracted folder.

    Returns:
        {part: {"image": uint8 [N, 32, 32, 3], "label": int32 [N]}} in the official
        order, for CIFAR-100 with "coarse_label"; and {label key: class names}.

    Raises:
        SettingError: Naming the file that is missing or damaged.
    """
    files = _files(source)
    meta = next((name for name in _LAYOUTS if name in files), None)
    if meta is None:
        raise SettingError(
            str(source),
            sorted(files),
            "CIFAR's python archive, with batches.meta or meta",
        )
    layout = _LAYOUTS[meta]
    names = _unpickle(source, files, meta)
    class_names = {
        key: class_texts(
            _array(names, entry, source, meta), f"{source}: {meta}, {entry}"
        )
        for key, (_, entry) in layout["keys"].items()
    }
    parts = {}
    for part in ("train", "test"):
        batches = [(file, _unpickle(source, files, file)) for file in layout[part]]
        images = [_images(batch, source, file) for file, batch in batches]
        parts[part] = {"image": np.concatenate(images)}
        for key, (entry, _) in layout["keys"].items():
            labels = [
                class_numbers(
                    _array(batch, entry, source, file),
                    len(pictures),
                    f"{source}: {file}, {entry}",
                )
                for (file, batch), pictures in zip(batches, images, strict=True)
            ]
            parts[part][key] = np.concatenate(labels)
    return parts, class_names


def _files(source: Path) -> dict[str, bytes]:
    """{name without folder: content} of everything in an archive or folder."""
    wanted = {
        name
        for meta, layout in _LAYOUTS.items()
        for name in (meta, *layout["train"], *layout["test"])
    }
    try:
        if source.is_dir():
            found = (source / name for name in wanted)
            return {file.name: file.read_bytes() for file in found if file.is_file()}
        files = {}
        with tarfile.open(source) as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and name in wanted:
                    files[name] = archive.extractfile(member).read()
        return files
    except (OSError, tarfile.TarError, EOFError) as error:
        raise SettingError(
            str(source), f"an unreadable archive ({error})", "a whole .tar.gz"
        ) from None


class _Arrays(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        # NumPy 2 has moved it.
        with contextlib.suppress(ImportError):
            return super().find_class(module.replace(".core.", "._core."), name)
        return super().find_class(module, name)


def _unpickle(source: Path, files: dict[str, bytes], name: str) -> dict:
    if name not in files:
        raise SettingError(str(source), f"no {name}", f"an archive with {name} in it")
    try:
        return _Arrays(io.BytesIO(files[name]), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise anything
        raise SettingError(
            f"{source}: {name}", f"an unreadable file ({error})", "CIFAR's own file"
        ) from None


def _array(batch: dict, key: str, source: Path, file: str) -> np.ndarray:
    if not isinstance(batch, dict) or key.encode() not in batch:
        raise SettingError(f"{source}: {file}", f"no {key!r}", "CIFAR's own file")
    try:
        return np.asarray(batch[key.encode()])
    except ValueError as error:  # of a list of lists of different lengths
        raise SettingError(
            f"{source}: {file}", f"{key!r} that is no array ({error})", "CIFAR's own"
        ) from None


def _images(batch: dict, source: Path, file: str) -> np.ndarray:
    data = _array(batch, "data", source, file)
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        raise SettingError(
            f"{source}: {file}", f"{data.dtype} {data.shape}", "uint8 (N, 3072)"
        )
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
