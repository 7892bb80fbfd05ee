"""What XLA has compiled and tuned once, kept for the next start.

Compiling the full model's training step for a GPU takes a minute or more; reading it
back takes seconds. TensorFlow ends a run whose cache it can't read or write. So what
may be wrong with a cache is found here, where it only costs time.
"""

import contextlib
import json
import os
import re
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 2 * 1024**3
LEAST_FREE_BYTES = 256 * 1024**2
_GPUS = Path("/proc/driver/nvidia/gpus")
_READY = ("xla_compile_cache*.pb", "tuning/*.textproto")
_IN_WRITING = ("xla_compile_cache*.tmp", "tuning/tmp/*.textproto")
_EXECUTABLE = 3 << 3 | 2  # the tag of the last field


def enable(gpus: Path = _GPUS) -> Path | None:
    """Keeps XLA's work in the user's cache folder; to be called before TensorFlow.

    The folder is `ltpa_tf` in `$LTPA_CACHE_DIR`, by default in `~/.cache`, with one
    subfolder per TensorFlow version and kind of GPU: what is compiled for one can't run
    on another. Files that were not used for longest go first when it has grown over
    2 GiB; no others than XLA's are ever deleted. Settings of one's own in
    `TF_XLA_FLAGS` and `XLA_FLAGS` win.

    Args:
        gpus: Where the NVIDIA driver lists its GPUs.

    Returns:
        The folder; None where there is no GPU, no home, no right to write, too little
        free space, or `LTPA_CACHE_DIR` is empty.
    """
    try:
        models = _models(gpus)
        root = _root() if models else None
        if root is None:
            return None
        folder = root / f"tensorflow-{version('tensorflow')}-{models}"
        if not _usable(root, folder):
            return None
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
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
    used = {}
    for made in (*_READY, *_IN_WRITING):
        for file in root.glob(f"tensorflow-*/{made}"):
            with contextlib.suppress(FileNotFoundError):  # another start deleted it
                used[file] = file.stat()
    total = sum(stat.st_size for stat in used.values())
    for file in sorted(used, key=lambda f: max(used[f].st_atime, used[f].st_mtime)):
        if total <= most_bytes:
            return
        total -= used[file].st_size
        file.unlink(missing_ok=True)


def delete_damaged(folder: Path) -> None:
    """Deletes what a full disk or a crash of the machine left empty or cut off.

    Not what is still being written: another process would miss it.
    """
    for made in _READY:
        for file in folder.glob(made):
            with contextlib.suppress(FileNotFoundError):  # another start deleted it
                if not _is_whole(file):
                    file.unlink()


def _usable(root: Path, folder: Path) -> bool:
    """Makes the folder and sees to it that XLA can read it and write there."""
    scratch = folder / "tuning" / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    for place in (folder, scratch.parent, scratch):
        with tempfile.TemporaryFile(dir=place):
            pass
    delete_damaged(folder)
    shrink(root, MOST_BYTES)
    return shutil.disk_usage(folder).free >= LEAST_FREE_BYTES


def _is_whole(file: Path) -> bool:
    """Whether a file has all its bytes, as far as it says how many."""
    size = file.stat().st_size
    if file.suffix != ".pb":
        return size > 0
    # A protobuf message of three fields: a key, the program, the executable. Each has a
    # tag (its number, and 2 for this kind), its length in bytes, and the bytes. The
    # file may be cut off between two of them as well as in one. Here three lengths are
    # read; protobuf itself would read the up to 2 GiB of a cache at each start.
    end = tag = 0
    with file.open("rb") as entry:
        while end < size:
            entry.seek(end)
            tag = entry.read(1)[0]
            if tag & 7 != 2:
                return False
            end = _length(entry) + entry.tell()
    return end == size and tag == _EXECUTABLE


def _length(entry: BinaryIO) -> int:
    """Reads a protobuf number: seven bits a byte, the lowest first."""
    value = shift = 0
    while byte := entry.read(1):
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value
    return 1  # cut off in the number itself: the next byte is missing, too


def _root() -> Path | None:
    chosen = os.environ.get("LTPA_CACHE_DIR")
    if chosen == "":
        return None
    base = chosen or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "ltpa_tf"
    except RuntimeError:  # a user without a home folder, as in many a container
        return None


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
    if flag not in flags:
        # XLA reads quotes and backslashes, in a path with spaces, as JSON has them.
        quoted = json.dumps(str(value), ensure_ascii=False)
        os.environ[variable] = f"{flags} {flag}={quoted}".strip()
