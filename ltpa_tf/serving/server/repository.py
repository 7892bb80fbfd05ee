"""The versions that are loaded, kept in step with the folder while serving."""

import logging
import os
import threading
from pathlib import Path

import grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import server_files, versions
from ltpa_tf.serving.server.request_error import RequestError
from ltpa_tf.serving.server.version import Version


class Repository:
    """The loaded versions of one model.

    Which versions are wanted is said by `models.config`, or is the latest without such
    a file. A new version is loaded and warmed up while the others go on answering, and
    one that is no longer wanted is dropped only when all wanted ones are there;
    requests under way finish with the version they started with. As a real server does
    it, a file that moves a label to a version which isn't loaded is not taken at all.

    Args:
        base: Folder of the versions.
        poll_seconds: How often the folder is looked at.

    Raises:
        SettingError: If a wanted version doesn't load or there is none, or
            `models.config` can't be read.
    """

    def __init__(self, base: str | os.PathLike, poll_seconds: float = 1.0):
        self.base = Path(base).resolve()
        self._max_batch = server_files.batch_sizes(base)[-1]
        self.labels: dict[str, int] = {}
        self._loaded: dict[int, Version] = {}
        self._failed: set[int] = set()
        self._states: dict[int, tuple[str, str]] = {}
        self._model: ModelConfig | None = None
        self._refused = ""
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="versions", daemon=True)
        self.name = self.base.name
        self._read_config()
        self.refresh()
        if self._failed or not self._loaded:
            # Of a real server the first version to be there, or to fail, decides, and
            # what is damaged mostly fails sooner than others load.
            number = max(self._failed, default=None)
            _, why = self._states.get(number, ("", "none is there"))
            raise SettingError(
                "--model_dir", str(base), f"versions that all load ({why})"
            )

    def start(self) -> None:
        """Looks at the folder from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stops looking, once a version that is being loaded is there.

        A thread that wakes while Python ends takes the process down: exit code 134.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def find(
        self, name: str, number: int | None = None, label: str | None = None
    ) -> Version:
        """The version that a request asks for; the highest loaded by default.

        Raises:
            RequestError: If it isn't there.
        """
        if not name:
            raise RequestError("ModelSpec has no name specified.")
        if label is not None:
            if name != self.name or label not in self.labels:
                raise RequestError(f"Unrecognized servable version label: {label}")
            number = self.labels[label]
        loaded = self._loaded
        if number is None:
            number = max(loaded)
        if name != self.name or number not in loaded:
            raise RequestError(
                f"Servable not found: {name}, version {number}",
                grpc.StatusCode.NOT_FOUND,
            )
        return loaded[number]

    def states(self) -> dict[int, tuple[str, str]]:
        """Version -> (state, error message), the highest first, as a server says it.

        Of one that has gone, too.
        """
        return dict(sorted(self._states.items(), reverse=True))

    def refresh(self) -> None:
        """Loads what is wanted and isn't there, then drops what isn't wanted."""
        existing = versions.list_versions(self.base)
        self._load_wanted(existing)  # so that a label can move to it
        try:
            self._read_config()
            self._refused = ""
        except SettingError as error:
            if self._refused != str(error):  # else it has been said
                logging.warning("%s; everything stays as it is", error)
            self._refused = str(error)
        wanted = self._load_wanted(existing)
        if wanted & set(self._loaded):
            self._states |= dict.fromkeys(set(self._loaded) - wanted, ("END", ""))
            self._loaded = {n: v for n, v in self._loaded.items() if n in wanted}
        self._failed &= set(existing)  # so that what is put in its place is tried

    def _load_wanted(self, existing: dict[int, Path]) -> set[int]:
        wanted = _wanted(self._model, set(existing))
        for number in sorted(wanted - set(self._loaded) - self._failed):
            self._load(number, existing[number])
        return wanted

    def _read_config(self) -> None:
        """Takes what `models.config` says now, all of it or nothing.

        Raises:
            SettingError: If it can't be read, or moves a label to a version that isn't
                loaded.
        """
        model = server_files.read_models(self.base)
        labels = dict(model.version_labels) if model else {}
        for label, number in labels.items():
            if self.labels.get(label, number) != number and number not in self._loaded:
                raise SettingError(
                    str(self.base / server_files.MODELS),
                    f"label {label!r} on version {number}",
                    "a version that is loaded",
                )
        self._model, self.labels = model, labels
        if model is not None:
            self.name = model.name

    def _load(self, number: int, folder: Path) -> None:
        self._states[number] = ("LOADING", "")
        try:
            self._loaded = {
                **self._loaded,
                number: Version(number, folder, self._max_batch),
            }
            self._states[number] = ("AVAILABLE", "")
            logging.info("version %d is loaded", number)
        except Exception as error:  # damaged files raise anything, IndexError too
            self._failed.add(number)
            why = f"version {number} doesn't load: {error}"
            self._states[number] = ("END", why)
            logging.warning("%s", why)

    def _poll(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.refresh()
            except OSError:
                pass  # a folder may vanish in the middle of a look; the next will do
            except Exception:  # or no version would ever arrive again
                logging.exception("a look at %s failed", self.base)


def _wanted(model: ModelConfig | None, existing: set[int]) -> set[int]:
    """The versions that the policy asks for, as far as they exist."""
    policy = model.model_version_policy if model else None
    if policy is not None and policy.HasField("specific"):
        return existing & set(policy.specific.versions)
    if policy is not None and policy.HasField("all"):
        return existing
    count = policy.latest.num_versions if policy is not None else 1
    return set(sorted(existing)[-max(1, count) :])
