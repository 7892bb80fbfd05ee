"""What XLA has compiled and tuned once, kept for the next start.

Compiling the full model's training step for a GPU takes a minute or more; reading it
back takes seconds.
"""

import os
import re
from importlib.metadata import version
from pathlib import Path

MOST_BYTES = 2 * 1024**3
_GPUS = Path("/proc/driver/nvidia/gpus")
# All files that XLA makes, with those that it is still writing.
_MADE = (
    "xla_compile_cache*.pb",
    "xla_compile_cache*.tmp",
    "tuning/*.textproto",
    "tuning/tmp/*.textproto",
)


def enable(gpus: Path = _GPUS) -> Path | None:
    """Keeps XLA's work in the user's cache folder; to be called before TensorFlow.

    The folder is `ltpa_tf` in `$LTPA_CACHE_DIR`, by default in `~/.cache`, with one
    subfolder per TensorFlow version and kind of GPU: what is compiled for one can't run
    on another. Files that were not used for longest go first when it has grown over
    2 GiB; no others than XLA's are ever deleted.
    Settings of one's own in `TF_XLA_FLAGS` and `XLA_FLAGS` win.

    Args:
        gpus: Where the NVIDIA driver lists its GPUs.

    Returns:
        The folder; None where there is no GPU, it can't be written to, or
        `LTPA_CACHE_DIR` is empty.
    """
    models = _models(gpus)
    root = _root()
    if root is None or not models:
        return None
    folder = root / f"tensorflow-{version('tensorflow')}-{models}"
    try:
        (folder / "tuning").mkdir(parents=True, exist_ok=True)
        shrink(root, MOST_BYTES)
    except OSError:
        return None
    _add_flag("TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory", folder)
    _add_flag("XLA_FLAGS", "--xla_gpu_per_fusion_autotune_cache_dir", folder / "tuning")
    return folder


def shrink(root: Path, most_bytes: int) -> None:
    """Deletes the files that were not used for longest, until the rest fits.

    Args:
        root: Where the folders of all TensorFlow versions and GPUs are. What else is
            there is somebody's own, and neither counted nor deleted.
        most_bytes: How much may stay.
    """
    files = [file for made in _MADE for file in root.glob(f"tensorflow-*/{made}")]
    used = {file: file.stat() for file in files}
    total = sum(stat.st_size for stat in used.values())
    for file in sorted(files, key=lambda f: max(used[f].st_atime, used[f].st_mtime)):
        if total <= most_bytes:
            return
        total -= used[file].st_size
        file.unlink(missing_ok=True)


def _root() -> Path | None:
    chosen = os.environ.get("LTPA_CACHE_DIR")
    if chosen == "":
        return None
    base = chosen or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ltpa_tf"


def _models(gpus: Path) -> str:
    """The GPUs' model names, such as `nvidia-h100-80gb-hbm3`; empty without a GPU."""
    names = set()
    for file in gpus.glob("*/information"):
        model = re.search(r"^Model:\s*(.+)$", file.read_text(), re.MULTILINE)
        names.add(model[1] if model else "unknown")
    text = "+".join(sorted(names)).lower()
    return re.sub(r"[^a-z0-9+]+", "-", text).strip("-")


def _add_flag(variable: str, flag: str, value: Path) -> None:
    flags = os.environ.get(variable, "")
    # Flags are separated by spaces, without a way to quote one.
    if flag not in flags and " " not in str(value):
        os.environ[variable] = f"{flags} {flag}={value}".strip()
