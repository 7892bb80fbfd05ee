"""Errors whose text is a sentence for the user."""

import contextlib
import re
from collections.abc import Iterator

_MOST_SHOWN = 400  # characters of a value


class SettingError(ValueError):
    """A setting that can't be used; its text is a sentence for the user.

    It ends as Keras's own do: `model.levels: expected levels 1 to 13 for paper.
    Received: 99`.

    Raised before any expensive work starts. Programs print the sentence and exit
    with code 2; in Python it is an ordinary `ValueError`.

    Args:
        setting: The name as the user wrote it: a config key (`"model.levels"`), a flag
            (`"--workdir"`), an argument (`"levels"`) or a file's path.
        received: What was given.
        accepted: What can be given instead, in words that go on after "expected".
    """

    def __init__(self, setting: str, received: object, accepted: str):
        end = " " if accepted.endswith((".", "?")) else ". "
        if "\n" in accepted:
            end = "\n"
        shown = _shown(received)
        super().__init__(f"{setting}: expected {accepted}{end}Received: {shown}")
        self.setting = setting
        self.received = received
        self.accepted = accepted

    def __reduce__(self):
        # An exception with several arguments can't be unpickled by default, and errors
        # cross process borders (test workers, tuning).
        return type(self), (self.setting, self.received, self.accepted)


def _shown(value: object) -> str:
    """As Python writes it, in one line that isn't too long."""
    text = re.sub(r"\s*\n\s*", " ", repr(value))
    if len(text) > _MOST_SHOWN:
        half = _MOST_SHOWN // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return text


@contextlib.contextmanager
def settings_of(part: str) -> Iterator[None]:
    """Names the settings of errors raised inside as they are in a config's `part`."""
    try:
        yield
    except SettingError as error:
        raise SettingError(
            f"{part}.{error.setting}", error.received, error.accepted
        ) from None


@contextlib.contextmanager
def renamed(setting: str, name: str) -> Iterator[None]:
    """Gives errors about `setting` that are raised inside the name it was given by."""
    try:
        yield
    except SettingError as error:
        if error.setting != setting:
            raise
        raise SettingError(name, error.received, error.accepted) from None


class WorkError(RuntimeError):
    """Why work that had begun can't be finished; its text is a sentence for the user.

    Attributes:
        exit_code: What a program exits with.
    """

    exit_code = 1


class SearchError(WorkError):
    """No trial of a search can be trained, or none was."""


class ConversionError(WorkError):
    """A converted file doesn't compute what Keras does; it was not written."""


class TrainingError(WorkError):
    """Why a training ends before its last step.

    Exit codes from 128 up say that the same command, started again, continues; lower
    ones that something must be put right first. Kubeflow's `ExitCode` restart policy
    reads them the same way.
    """


class NonFiniteError(TrainingError):
    """The loss, the gradient or a weight is NaN or infinite; nothing of it is saved."""

    exit_code = 3


class CheckpointError(TrainingError):
    """A checkpoint can't be written, or none of those that are there can be read."""

    exit_code = 4


class WorkerLostError(TrainingError):
    """Another process of the same run has ended or can't be reached."""

    exit_code = 138  # Kubeflow's number for "try again"


class Interrupted(TrainingError):
    """A signal asked the run to stop; it saved its state first."""

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


class EnoughError(Exception):
    """A callback ends a call of `train` as planned; the run may go on later."""
