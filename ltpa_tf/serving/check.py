"""Checks of an export's folder: what a server would refuse, found without one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import server_files, versions
from ltpa_tf.serving.check_version import changes, problems


def check_export(
    directory: str | os.PathLike, *, load: bool = True, base_path: str | None = None
) -> list[str]:
    """Checks a folder of versions and the server's files beside them.

    Args:
        directory: What `export` wrote into.
        load: Whether every version is also loaded and asked: all its warm-up requests,
            and a batch of our own. Without it only files are read.
        base_path: Where the server will find the folder, if not here.

    Returns:
        One sentence for each thing a server would refuse or a client would trip over,
        starting with where it is; empty if all is well.

    Example:
        >>> serving.check_export("saved_models/mine")  # nothing to complain of
        []
    """
    base = Path(directory)
    if not base.is_dir():
        return [*_folders(base)]
    found = versions.list_versions(base)
    wanted = Path(base_path) if base_path else base.resolve()
    sentences = [*_folders(base), *_server_files(base, wanted, set(found))]
    previous = None
    for version in found.values():
        sentences += problems(version, load=load, max_batch=_max_batch(base))
        if previous is not None:
            sentences += changes(previous, version)
        previous = version
    return sentences


def _max_batch(base: Path) -> int | None:
    try:
        return server_files.batch_sizes(base)[-1]
    except SettingError:  # is said of the file
        return None


def _folders(base: Path) -> Iterator[str]:
    if not versions.list_versions(base):
        yield f"{base}: no version in it: a folder such as 1/ with saved_model.pb"
    for entry in sorted(base.iterdir()) if base.is_dir() else ():
        if not entry.is_dir() or entry.name.startswith("."):
            continue
        if not entry.name.isdecimal():
            yield f"{entry}: ignored by a server: a version is named by an integer"
        elif not (entry / "saved_model.pb").exists():
            yield f"{entry}: a version without saved_model.pb"


def _server_files(base: Path, wanted: Path, existing: set[int]) -> Iterator[str]:
    for name, read, check in (
        (server_files.MODELS, server_files.read_models, _models),
        (server_files.BATCHING, server_files.read_batching, _batching),
        (server_files.MONITORING, server_files.read_monitoring, _monitoring),
    ):
        file = base / name
        yield from _server_file(
            file, lambda read=read: read(base), check, wanted, existing
        )


def _server_file(
    file: Path, read: Callable, check: Callable, wanted: Path, existing: set[int]
) -> Iterator[str]:
    try:
        content = read()
    except SettingError as error:
        yield str(error)
        return
    if content is None:
        yield f"{file}: missing; export writes it"
        return
    for sentence in check(content, wanted, existing):
        yield f"{file}: {sentence}"


def _models(model, wanted: Path, existing: set[int]) -> Iterator[str]:
    if not Path(model.base_path).is_absolute():
        yield f"base_path {model.base_path!r} isn't absolute"
    elif Path(model.base_path) != wanted:
        yield (
            f"base_path is {model.base_path!r}, but the folder is {str(wanted)!r}; "
            f"promote.py --base_path={wanted} writes it anew"
        )
    if not model.name:
        yield "the model has no name"
    if model.model_platform != "tensorflow":
        yield f"model_platform is {model.model_platform!r}, not 'tensorflow'"
    served = existing
    if model.model_version_policy.HasField("specific"):
        served = set(model.model_version_policy.specific.versions)
        for version in sorted(served - existing):
            yield f"version {version} is to be served but doesn't exist"
    for label, version in sorted(model.version_labels.items()):
        if version not in served:
            yield f"label {label!r} is on version {version}, which isn't served"


def _batching(batching, _wanted: Path, _existing: set[int]) -> Iterator[str]:
    sizes, largest = list(batching.allowed_batch_sizes), batching.max_batch_size.value
    if sizes != sorted(set(sizes)) or (sizes and sizes[0] < 1):
        yield f"allowed_batch_sizes {sizes} must increase and be positive"
    if sizes and sizes[-1] != largest:
        yield (
            f"the last of allowed_batch_sizes is {sizes[-1]}, but must equal "
            f"max_batch_size, {largest}: a server doesn't start"
        )
    for name in ("max_batch_size", "num_batch_threads", "max_enqueued_batches"):
        if batching.HasField(name) and getattr(batching, name).value < 1:
            yield f"{name} must be at least 1"
    if batching.batch_timeout_micros.value < 0:
        yield "batch_timeout_micros must not be negative"


def _monitoring(monitoring, _wanted: Path, _existing: set[int]) -> Iterator[str]:
    prometheus = monitoring.prometheus_config
    if prometheus.enable and not prometheus.path.startswith("/"):
        yield f"prometheus path {prometheus.path!r} must start with /"
