"""metrics.jsonl, summary.json and model files."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path

import keras
import numpy as np

import ltpa_tf
from ltpa_tf import data, run


class Metrics:
    """`metrics.jsonl`: one line of JSON per epoch.

    Args:
        file: The file; may not be there yet.
    """

    def __init__(self, file: Path):
        self._file = file

    def rewind(self, step: int) -> int:
        """Drops what was written after `step`, and what is not a whole line.

        Returns:
            The number of lines that are left.
        """
        lines = {at: line for at, line in self._lines().items() if at <= step}
        if self._file.exists():
            run.write_text(self._file, "".join(f"{line}\n" for line in lines.values()))
        return len(lines)

    def append(self, line: dict) -> None:
        """Writes a line through to the disk."""
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def line(self, step: int) -> dict:
        """The line of the epoch that ended with `step`; empty if there is none."""
        return json.loads(self._lines().get(step, "{}"))

    def epochs(self) -> list[dict]:
        """What was written, the first epoch first."""
        return [json.loads(line) for line in self._lines().values()]

    def _lines(self) -> dict[int, str]:
        """The whole lines by their step."""
        if not self._file.exists():
            return {}
        lines = {}
        for line in self._file.read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                epoch = run.check_object(json.loads(line), {"step": int})
                lines[epoch["step"]] = line
        return lines


def weights_sha256(model: keras.Model) -> str:
    """SHA-256 over shape, dtype and values of `model.weights`, in order."""
    digest = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{value.dtype.str} {value.shape}\n".encode())
        digest.update(value.data)
    return digest.hexdigest()


def save_model(model: keras.Model, file: Path) -> None:
    """Writes a `.keras` file whole or not at all."""
    # One process trains in a folder, and resumed it saves this file again: what a kill
    # leaves behind is replaced, as it has the same name.
    aside = file.with_name(f".{file.name}")
    try:
        model.save(aside)
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def write_dataset(folder: run.RunFolder, source: data.Source) -> None:
    """`dataset.json`: what the run was trained on, and all that predicting needs."""
    splits = {"train": source.train, "validation": source.validation}
    splits["test"] = source.test
    run.write_json(
        folder.dataset_file,
        {
            "name": source.name,
            "class_names": list(source.class_names),
            "image_shape": list(source.image_shape),
            "mean": list(source.mean),
            "std": list(source.std),
            "fingerprint": source.fingerprint,
            "preprocessing": source.preprocessing.to_dict(),
            "skipped": list(source.skipped),
            "sizes": {name: len(split or ()) for name, split in splits.items()},
        },
    )


def versions() -> dict[str, str]:
    """What the result depends on."""
    # This package's own version is known also where it runs without being installed.
    names = ("tensorflow", "keras", "numpy")
    found = {name: importlib.metadata.version(name) for name in names}
    return {
        "python": platform.python_version(),
        "ltpa_tf": ltpa_tf.__version__,
        **found,
    }
