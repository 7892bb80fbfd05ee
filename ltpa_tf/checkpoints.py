"""Checkpoints: written whole or not at all, and checked before they are believed."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ltpa_tf.errors import CheckpointError
from ltpa_tf.files import (
    DISK_ERRORS,
    check_object,
    sha256,
    write_json,
    written_aside,
)
from ltpa_tf.run import RunFolder

Arrays = dict[str, np.ndarray]

_NAME = re.compile(r"step-(\d{8}|[1-9]\d{8,})")


class Checkpoints:
    """A folder of training states, the newest ones.

    A checkpoint is two files: `step-00001234.npz` with the arrays, and then
    `step-00001234.json` with everything else, the size and the SHA-256 of the first.
    Both are written aside, flushed to disk and renamed; a checkpoint is there once its
    second file is. A kill or a full disk at any moment so leaves the older ones whole.

    Args:
        folder: Made when the first checkpoint is saved.
        keep: How many to keep.
        say: Takes a sentence for the user when a damaged checkpoint is passed over.
        parse: Makes what is given back of everything that isn't an array; a ValueError
            of it says that the checkpoint is damaged.
    """

    def __init__(
        self,
        folder: Path,
        keep: int,
        say: Callable[[str], None] = print,
        parse: Callable[[dict], Any] = dict,
    ):
        self._folder = folder
        self._keep = keep
        self._say = say
        self._parse = parse

    def steps(self) -> list[int]:
        """The steps that there are checkpoints of, the newest first."""
        return sorted(self._found("json"), reverse=True)

    def latest(self) -> tuple[Arrays, Any] | None:
        """The newest checkpoint that is whole, or None if there never was any.

        Raises:
            CheckpointError: There are checkpoints, but every one is damaged.
        """
        steps = self.steps()
        for i, step in enumerate(steps):
            try:
                return self.read(step)
            except (OSError, ValueError) as error:
                following = (
                    f"using the one of step {steps[i + 1]} instead"
                    if i + 1 < len(steps)
                    else "there is no older one"
                )
                self._say(
                    f"The checkpoint of step {step} is damaged ({error}); {following}."
                )
        if steps:
            raise CheckpointError(
                f"No checkpoint in {self._folder} can be read. Remove the folder to "
                "train from the start."
            )
        return None

    def read(self, step: int) -> tuple[Arrays, Any]:
        """The arrays and the rest that `save` was given.

        Raises:
            OSError, ValueError: If it is missing or damaged.
        """
        manifest = check_object(
            json.loads(self._manifest(step).read_text(encoding="utf-8")),
            {"bytes": int, "sha256": str, "rest": dict},
        )
        rest = self._parse(manifest["rest"])
        file = self._arrays(step)
        size = file.stat().st_size
        if size != manifest["bytes"]:
            raise ValueError(f"{file.name} has {size} of {manifest['bytes']} bytes")
        if sha256(file) != manifest["sha256"]:
            raise ValueError(f"{file.name} has other contents than were written")
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}, rest

    def save(self, step: int, arrays: Arrays, rest: dict) -> None:
        """Writes a checkpoint, then removes those that are too many.

        Raises:
            CheckpointError: If it can't be written; the older ones are as they were.
        """
        file, manifest = self._arrays(step), self._manifest(step)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()
            manifest.unlink(missing_ok=True)  # being replaced: not valid meanwhile
            with written_aside(file) as aside, aside.open("wb") as stream:
                np.savez(stream, **arrays)
            content = {
                "step": step,
                "bytes": file.stat().st_size,
                "sha256": sha256(file),
                "rest": rest,
            }
            write_json(manifest, content)
            _sync_folder(self._folder)
        except OSError as error:
            if self._folder.is_dir() and not manifest.exists():
                file.unlink(missing_ok=True)
            steps = self.steps()
            kept = f"the one of step {steps[0]} is intact" if steps else "there is none"
            raise CheckpointError(
                f"The checkpoint of step {step} could not be written to "
                f"{self._folder}: {error.strerror or error}. Of the older ones {kept}; "
                "put this right and start again with the same --workdir to continue."
            ) from error
        for old in self.steps()[self._keep :]:
            self._manifest(old).unlink(missing_ok=True)
            self._arrays(old).unlink(missing_ok=True)

    def _arrays(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}.npz"

    def _manifest(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}.json"

    def _found(self, kind: str) -> Iterator[int]:
        """The steps of the files that are there, not of a user's copies of them."""
        for file in self._folder.glob(f"step-*.{kind}"):
            if name := _NAME.fullmatch(file.stem):
                yield int(name[1])

    def _remove_leftovers(self) -> None:
        """What a killed process left unfinished, and nobody else's hidden files."""
        for file in self._folder.glob(".step-*"):
            file.unlink()
        for step in set(self._found("npz")) - set(self._found("json")):
            self._arrays(step).unlink()


def _sync_folder(folder: Path) -> None:
    """Makes the renames themselves last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def disk_errors_as_sentences(folder: RunFolder) -> Iterator[None]:
    """Says in a sentence that the disk is full or broken.

    Raises:
        CheckpointError: Instead of such an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise CheckpointError(
            f"{folder.path} can't be written to any more: {error.strerror}. Put this "
            "right and start again with the same --workdir to continue from the newest "
            "checkpoint."
        ) from error
