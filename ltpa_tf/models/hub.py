"""Presets in the Hugging Face Hub: `hf://USER/NAME`, as KerasHub writes it.

A revision may follow, as huggingface_hub writes it: `hf://USER/NAME@REVISION`. Tokens,
caches and endpoints are huggingface_hub's own: `HF_TOKEN`, `HF_HOME`, `HF_ENDPOINT`.
"""

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from ltpa_tf.errors import SettingError

_SCHEME = "hf://"
_ACCEPTED = "hf://USER/NAME or hf://USER/NAME@REVISION"


def is_hub(preset: str | os.PathLike) -> bool:
    """Whether this names a repository of the Hub."""
    return str(preset).startswith(_SCHEME)


def client(uri: str, setting: str) -> ModuleType:
    """The package `huggingface_hub`.

    Raises:
        SettingError: Without it; the sentence names the extra.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise SettingError(
            setting, uri, "a folder, without huggingface_hub: pip install 'ltpa_tf[hf]'"
        ) from None
    return huggingface_hub


def check_target(uri: str, setting: str) -> ModuleType:
    """`client`; refuses what is no repository's name, before anything is made for it.

    Raises:
        SettingError: Without huggingface_hub, too.
    """
    hub = client(uri, setting)
    from huggingface_hub import utils

    try:
        utils.validate_repo_id(uri.removeprefix(_SCHEME))
    except utils.HFValidationError:
        raise SettingError(setting, uri, "hf://USER/NAME") from None
    return hub


@functools.cache
def downloaded(uri: str, files: tuple[str, ...]) -> Path:
    """A repository's files on this machine, the same ones until this process ends.

    Raises:
        SettingError: Without huggingface_hub, for a repository or revision that isn't
            there or may not be read, and without a network where the cache lacks it.
    """
    hub = client(uri, "preset")
    name, _, revision = uri.removeprefix(_SCHEME).partition("@")
    with _as_sentences(uri, "preset"):
        folder = hub.snapshot_download(
            name, revision=revision or None, allow_patterns=list(files)
        )
    return Path(folder)


def upload(uri: str, content: Mapping[str, Path | bytes]) -> str:
    """Puts files into a repository, made if need be, by one commit.

    Returns:
        The commit's address.

    Raises:
        SettingError: As `downloaded`, or where the token may not write.
    """
    hub = check_target(uri, "uri")
    name = uri.removeprefix(_SCHEME)
    with _as_sentences(uri, "uri"):
        # It is complete, with the user's name, where only NAME was given.
        name = hub.create_repo(name, exist_ok=True).repo_id
        commit = hub.create_commit(
            name,
            [hub.CommitOperationAdd(path, what) for path, what in content.items()],
            commit_message="A preset of ltpa_tf",
        )
    downloaded.cache_clear()
    return commit.commit_url


@contextlib.contextmanager
def _as_sentences(uri: str, setting: str) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise SettingError(setting, uri, f"{_ACCEPTED} ({_first(error)})") from error
    except errors.RevisionNotFoundError as error:
        raise SettingError(setting, uri, "a revision that is there") from error
    except errors.RepositoryNotFoundError as error:
        raise SettingError(
            setting, uri, "a repository that is there, and that your HF_TOKEN may read"
        ) from error
    except Exception as error:  # of any library below it
        # Before 1.0 the one for want of a network was of the Hub's answers, too.
        refused = isinstance(error, errors.HfHubHTTPError) and not isinstance(
            error, errors.LocalEntryNotFoundError
        )
        accepted = "what your HF_TOKEN may do" if refused else "a Hub that answers"
        raise SettingError(setting, uri, f"{accepted} ({_first(error)})") from error


def _first(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().partition("\n")[0]
