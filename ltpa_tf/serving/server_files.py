"""TensorFlow Serving's own files for a folder of versions.

`models.config` says which versions are served and what their labels are,
`batching.config` how requests are batched, `monitoring.config` where Prometheus reads.
Formats: https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from ltpa_tf.errors import SettingError
from ltpa_tf.files import write_text
from ltpa_tf.serving import protos, versions

MODELS = "models.config"
BATCHING = "batching.config"
MONITORING = "monitoring.config"
METRICS_PATH = "/monitoring/prometheus/metrics"

BATCH_SIZES = (1, 2, 4, 8, 16, 32)
"""What a server pads batches to, so that it meets few shapes and all were warmed up."""

_LABEL = re.compile(r'[^/:"\s]+')  # as a server takes it in a URL
_MONITORING = f"""prometheus_config {{
  enable: true
  path: "{METRICS_PATH}"
}}
"""


def write(
    base: str | os.PathLike, labels: Mapping[str, int], base_path: str | None = None
) -> None:
    """Writes the three files beside the versions; `models.config` last.

    Args:
        base: Folder of the versions.
        labels: Label -> version.
        base_path: Where the server will find the folder; its name is the model's. None
            keeps both as they are in the file, and of a new file means here.
    """
    base = Path(base)
    before = None if base_path else read_models(base)
    path = before.base_path if before else base_path or base.resolve()
    models = models_config(path, labels, before.name if before else Path(path).name)
    for name, text in ((BATCHING, batching_config()), (MONITORING, _MONITORING)):
        if not (base / name).exists():  # tuned by hand, perhaps
            write_text(base / name, text)
    write_text(base / MODELS, models)


def batching_config() -> str:
    """The text of a `batching.config`.

    Without `num_batch_threads`, which then is the number of cores of the machine that
    serves.
    """
    sizes = "".join(f"allowed_batch_sizes: {size}\n" for size in BATCH_SIZES)
    return f"""max_batch_size {{ value: {BATCH_SIZES[-1]} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
{sizes}"""


def models_config(base: str | os.PathLike, labels: Mapping[str, int], name: str) -> str:
    """The text of a `models.config` for the model `name` in the folder `base`.

    All versions are served, as a server moves a label only to a version that it has
    loaded, and otherwise doesn't even look at the rest of the file: with a list of
    versions a new one would never be loaded (`ServerCore::ReloadConfig`).
    """
    named = "".join(
        f"    version_labels {{ key: {quoted(label)} value: {version} }}\n"
        for label, version in sorted(labels.items())
    )
    return f"""model_config_list {{
  config {{
    name: {quoted(name)}
    base_path: {quoted(str(base))}
    model_platform: "tensorflow"
    model_version_policy {{ all {{}} }}
{named}  }}
}}
"""


def read_models(
    base: str | os.PathLike,
) -> model_server_config_pb2.ModelConfig | None:
    """The one `ModelConfig` in `models.config`, or None without such a file.

    Raises:
        SettingError: If the file can't be parsed or names no or several models.
    """
    file = Path(base) / MODELS
    if not file.exists():
        return None
    parsed = parse(file, model_server_config_pb2.ModelServerConfig())
    models = parsed.model_config_list.config
    if len(models) != 1:
        raise SettingError(str(file), f"{len(models)} models", "one model")
    return models[0]


def read_labels(base: str | os.PathLike) -> dict[str, int]:
    """Label -> version as `models.config` has them; empty without such a file."""
    model = read_models(base)
    return dict(sorted(model.version_labels.items())) if model else {}


def read_batching(base: str | os.PathLike) -> Message | None:
    """The `BatchingParameters`, or None without such a file."""
    file = Path(base) / BATCHING
    return parse(file, protos.BatchingParameters()) if file.exists() else None


def batch_sizes(base: str | os.PathLike) -> tuple[int, ...]:
    """The sizes that a server with this folder's `batching.config` pads batches to.

    Raises:
        SettingError: If the file can't be parsed.
    """
    batching = read_batching(base)
    if batching is None:
        return BATCH_SIZES
    if batching.allowed_batch_sizes:
        return tuple(batching.allowed_batch_sizes)
    if not batching.HasField("max_batch_size"):
        return BATCH_SIZES
    largest = batching.max_batch_size.value
    return (*(size for size in BATCH_SIZES if size < largest), largest)


def read_monitoring(base: str | os.PathLike) -> Message | None:
    """The `MonitoringConfig`, or None without such a file."""
    file = Path(base) / MONITORING
    return parse(file, protos.MonitoringConfig()) if file.exists() else None


def parse(file: Path, message: Message) -> Message:
    """The file's text as `message`.

    Raises:
        SettingError: If a server couldn't read it either.
    """
    try:
        return text_format.Parse(file.read_text(encoding="utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise SettingError(
            str(file),
            "a file that can't be read",
            f"a {message.DESCRIPTOR.name} in protobuf text format ({error})",
        ) from None


def label(
    base: str | os.PathLike, labels: Mapping[str, int], base_path: str | None = None
) -> dict[str, int]:
    """Moves labels to other versions: `label(base, {"stable": 2})` promotes version 2.

    A server that polls `models.config` follows by itself, once it has loaded the
    version, and answers from the one before until then.

    Args:
        base: Folder of the versions.
        labels: Label -> version; the other labels stay where they are.
        base_path: See `write`.

    Returns:
        All labels as they are now.

    Raises:
        SettingError: If a version doesn't exist, or a label can't be part of a URL.

    Example:
        >>> serving.label("saved_models/mine", {"stable": 1})
        {'canary': 1, 'stable': 1}
    """
    check_labels(base, labels)
    existing = versions.list_versions(base)
    kept = {n: v for n, v in read_labels(base).items() if v in existing}
    moved = {**kept, **labels}
    write(base, moved, base_path)
    return moved


def check_labels(base: str | os.PathLike, labels: Mapping[str, int]) -> None:
    """Whether labels can be on these versions.

    Raises:
        SettingError: If a version doesn't exist, or a label can't be part of a URL.
    """
    existing = versions.list_versions(base)
    for name, version in labels.items():
        if not _LABEL.fullmatch(name):
            raise SettingError("--label", name, 'text without spaces and / : "')
        if version not in existing:
            raise SettingError(
                "--version",
                version,
                f"a version in {base}: {[*existing] or 'none is there'}",
            )


def quoted(text: str) -> str:
    """Text as protobuf's text format has it."""
    return '"' + text_format.text_encoding.CEscape(text, as_utf8=True) + '"'
