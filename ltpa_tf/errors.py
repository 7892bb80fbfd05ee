"""Errors whose text is a sentence for the user."""

import contextlib
from collections.abc import Iterator


class SettingError(ValueError):
    """A setting that can't be used; its text is a sentence for the user.

    Raised before any expensive work starts. Programs print the sentence and exit
    with code 2; in Python it is an ordinary `ValueError`.

    Args:
        setting: The name as the user wrote it: a config key (`"model.levels"`), a flag
            (`"--workdir"`), an argument (`"levels"`) or a file's path.
        received: What was given.
        accepted: What can be given instead, or what to do, as text.
    """

    def __init__(self, setting: str, received: object, accepted: str):
        super().__init__(f"{setting}: received {received!r}; accepted: {accepted}")
        self.setting = setting
        self.received = received
        self.accepted = accepted

    def __reduce__(self):
        # An exception with several arguments can't be unpickled by default, and errors
        # cross process borders (test workers, tuning).
        return type(self), (self.setting, self.received, self.accepted)


@contextlib.contextmanager
def settings_of(part: str) -> Iterator[None]:
    """Names the settings of errors raised inside as they are in a config's `part`."""
    try:
        yield
    except SettingError as error:
        raise SettingError(
            f"{part}.{error.setting}", error.received, error.accepted
        ) from None


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
