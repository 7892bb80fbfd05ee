"""A public PyTorch script as a peer: run as it is, on the same images, its table read.

airbench's scripts (https://github.com/KellerJordan/cifar10-airbench) and those made
after them (https://github.com/hiverge/cifar10-speedrun) take their images from
`cifar10/train.pt` and `cifar10/test.pt` in the current folder, train again and again in
one process, and print a table,

    |  run  |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |

in which a training ends with the row that has a `tta_val_acc`: the accuracy with the
script's own test-time augmentation. The last column is the time so far. None of them is
part of this project.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ltpa_tf.data import Source
from ltpa_tf.errors import SettingError, WorkError

_LINES_SHOWN = 20  # of a script that failed


@dataclasses.dataclass(frozen=True)
class PublicScript:
    """A script, and what runs it; both by absolute paths.

    Attributes:
        file: The script.
        python: Has PyTorch, and whatever else the script imports.
    """

    file: Path
    python: Path


def find_script(path: str, python: str) -> PublicScript:
    """The script at this path.

    Args:
        path: A script, or a folder with a single one.
        python: A Python's path or name.

    Raises:
        SettingError: If there is none, or more than one; or no such Python.
    """
    found = shutil.which(python)
    if found is None:
        raise SettingError("--peer_python", python, "a Python to run")
    given = Path(path)
    scripts = [given] if given.is_file() else sorted(given.glob("*.py"))
    if len(scripts) != 1:
        names = ", ".join(map(str, scripts))
        raise SettingError(
            "--peer", path, names or "a training script, or a folder with one"
        )
    # Not resolved: a virtual environment's Python is a link.
    return PublicScript(scripts[0].absolute(), Path(found).absolute())


def check_images(source: Source) -> None:
    """Refuses data that the scripts can't take.

    Raises:
        SettingError: Naming `data.name`.
    """
    in_memory = source.train.array is not None and source.test.array is not None
    if source.image_shape != (32, 32, 3) or not in_memory:
        raise SettingError(
            "data.name", source.name, "32x32 images in memory, such as CIFAR's, to peer"
        )


def trainings(lines: Iterable[str]) -> Iterator[dict[str, float]]:
    """Each training that a script's table tells of, when it has ended.

    Left out is what the script itself calls "warmup": it is on random labels.

    Args:
        lines: What the script prints.

    Yields:
        `accuracy` after the last epoch, `accuracy_with_views` and `seconds`.
    """
    names, label = [], ""
    for line in lines:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if "tta_val_acc" in cells:
            names = cells
        elif names and len(cells) == len(names):
            row = dict(zip(names, cells, strict=True))
            label = row["run"] or label  # only a training's first row has it
            if row["tta_val_acc"] and label != "warmup":
                yield {
                    "accuracy": float(row["val_acc"]),
                    "accuracy_with_views": float(row["tta_val_acc"]),
                    "seconds": float(cells[-1]),
                }


def train(script: PublicScript, source: Source, count: int) -> list[dict]:
    """Runs a script on these images until it has trained so often, and ends it.

    One training more is taken first, and left out: a script may compile in it.

    Args:
        script: As of `find_script`.
        source: Its training part, and its test part.
        count: How many trainings.

    Raises:
        SettingError: Naming `--peer_python`, if that can't write PyTorch's files.
        WorkError: If the script ends before; with the last lines that it wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_images(Path(folder), script.python, source)
        with (Path(folder) / "errors").open("w+") as errors:
            process = subprocess.Popen(
                [script.python, "-u", script.file],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # compilers that it starts end with it
            )
            said = []
            try:
                found = []
                for training in trainings(_kept(process.stdout, said)):
                    found.append(training)
                    if len(found) > count:
                        return found[1:]
            finally:
                _end(process)
            errors.seek(0)
            last = [*said, *errors.read().splitlines()][-_LINES_SHOWN:]
    raise WorkError(
        f"{script.file.name} ended after {len(found)} trainings of {count + 1}:\n"
        + "\n".join(last)
    )


def _kept(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    """The lines; the last of them stay in `said`."""
    for line in lines:
        said[:] = [*said[1 - _LINES_SHOWN :], line.rstrip()]
        yield line


def _end(process: subprocess.Popen) -> None:
    """Ends it and all that it has started."""
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


# Read by the script's own Python, which has PyTorch.
_CONVERT = """
import sys, numpy, torch
arrays = numpy.load(sys.argv[1])
for part in ("train", "test"):
    torch.save({
        "images": torch.from_numpy(arrays[part + "_images"]),
        "labels": torch.from_numpy(arrays[part + "_labels"]),
        "classes": arrays["classes"].tolist(),
    }, sys.argv[2] + "/" + part + ".pt")
"""


def _write_images(folder: Path, python: Path, source: Source) -> None:
    """The images where scripts look for them; of 100 classes in `cifar100`."""
    arrays = {"classes": np.array(source.class_names)}
    for part in ("train", "test"):
        split = getattr(source, part)
        arrays[f"{part}_images"] = np.asarray(split.array)
        arrays[f"{part}_labels"] = np.asarray(split.labels).astype(np.int64)
    file = folder / "images.npz"
    np.savez(file, **arrays)
    images = folder / f"cifar{len(source.class_names)}"
    images.mkdir()
    done = subprocess.run(
        [python, "-c", _CONVERT, str(file), str(images)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    file.unlink()
    if done.returncode:
        (*_, last) = done.stderr.strip().splitlines() or ["it ended"]
        raise SettingError("--peer_python", str(python), f"one with PyTorch ({last})")
