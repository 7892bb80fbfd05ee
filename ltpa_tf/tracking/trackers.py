"""The trackers that a config asks for, and what a run folder remembers of them."""

import contextlib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf.errors import EnoughError, Interrupted, SettingError
from ltpa_tf.files import write_json
from ltpa_tf.run import RunFolder
from ltpa_tf.tracking.tracker import Tracker

KINDS = ("mlflow", "wandb")
"""Settings of `log`, packages, extras, and modules of this folder."""


@contextlib.contextmanager
def started(
    config: ConfigDict, folder: RunFolder, name: str
) -> Iterator[list[Tracker]]:
    """The run in each tracker that `config.log` names, begun or continued.

    Args:
        config: The whole config.
        folder: Remembers the tracker's name for the run.
        name: What the run is called there.

    Raises:
        SettingError: If the extra is missing, or the tracker can't be reached.
    """
    trackers, known = [], _known(folder)
    status = "FAILED"
    try:
        for kind in KINDS:
            if to := config.log[kind]:
                id = known[kind]["id"] if known.get(kind, {}).get("to") == to else ""
                settings = configuration.printable(config)
                tracker = _open(kind, to, id, name, settings, folder)
                trackers.append(tracker)
                known[kind] = {"to": to, "id": tracker.id}
        if trackers:
            write_json(folder.tracking_file, known)
        yield trackers
        status = "FINISHED"
    except EnoughError:
        status = "FINISHED"
        raise
    except Interrupted:
        status = "KILLED"
        raise
    finally:
        for tracker in trackers:
            tracker.close(status)


def log_export(folder: RunFolder, version: Path, name: str) -> None:
    """Tells the trackers that know the run of its export, with card and signature.

    The export is there already: where one can't be told, that is only said.
    """
    for kind, known in _known(folder).items():
        try:
            tracker = _open(kind, known["to"], known["id"], "", {}, folder)
        except SettingError as error:
            print(error, file=sys.stderr)
            continue
        tracker.tell(tracker.log_export, version, name, signature_of(version))
        tracker.close("FINISHED")


def signature_of(version: Path) -> dict[str, list[tuple[str, str, tuple[int, ...]]]]:
    """What an export takes and gives: (name, NumPy's dtype, shape), -1 for any size."""
    signatures = tf.saved_model.load(str(version)).signatures
    chosen = "attention_maps" if "attention_maps" in signatures else "serving_default"
    _, inputs = signatures[chosen].structured_input_signature
    outputs = signatures[chosen].structured_outputs
    return {
        part: [
            (
                name,
                "O" if spec.dtype == tf.string else spec.dtype.name,
                tuple(-1 if size is None else size for size in spec.shape),
            )
            for name, spec in sorted(specs.items())
        ]
        for part, specs in (("inputs", inputs), ("outputs", outputs))
    }


def _open(kind: str, to: str, id: str, name: str, parameters: dict, folder: RunFolder):
    try:
        module = importlib.import_module(f"ltpa_tf.tracking.with_{kind}")
    except ModuleNotFoundError as error:
        raise SettingError(
            f"log.{kind}",
            to,
            f"'' without {error.name}, which pip install 'ltpa_tf[{kind}]' brings",
        ) from None
    try:
        return module.Run(to, id, _plain(name), parameters, folder.path)
    except Exception as error:  # of any library below it
        why = str(error).strip().partition("\n")[0]
        raise SettingError(
            f"log.{kind}", to, f"a tracker that can be reached ({why})"
        ) from error


def _plain(name: str) -> str:
    """A name that each takes: the last part of a path."""
    return re.sub(r"[^\w.-]+", "-", name.rstrip("/").rpartition("/")[2])


def _known(folder: RunFolder) -> dict:
    if not folder.exists(folder.tracking_file):
        return {}
    return folder.read(folder.tracking_file)
