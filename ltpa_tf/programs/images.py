"""Image files given on the command line."""

import glob
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.images import REFUSED_SUFFIXES, SUFFIXES

# These are flags of the programs that call `define_images`: --help lists them there.
flags.disclaim_key_flags()

_HELP = (
    "An image file, or a folder of them; of any format that can be trained on and of "
    "any size. Repeat the flag for more, list them behind it as a shell does for "
    "photos/*.jpg, or quote such a pattern."
)


def define_images(otherwise: str = "") -> tuple[flags.FlagHolder, flags.FlagHolder]:
    """Defines `--images` and `--recursive`.

    Args:
        otherwise: What happens without the flag, for its help.
    """
    images = flags.DEFINE_multi_string("images", None, " ".join([_HELP, otherwise]))
    recursive = flags.DEFINE_boolean(
        "recursive", True, "Whether folders below a folder of images count too."
    )
    return images, recursive


def image_files(names: Sequence[str], *, recursive: bool = True) -> list[Path]:
    """The files that `names` stand for; of a folder, all images in it by name.

    A name is taken as it is if such a file exists; else as a pattern, or as several
    names with commas between them.

    Hidden ones are left out, as in a folder to train on: "._1.jpg" beside a Mac's
    "1.jpg" is no image. Those of formats that can't be read are not: what is asked
    with them names them.

    Raises:
        SettingError: If there is no name, one doesn't exist or a folder holds no image.
    """
    files = [file for name in names for file in _files(name, recursive)]
    if not files:
        raise SettingError("--images", "", "files and folders that exist")
    return files


def report_unusable(errors: Sequence[SettingError]) -> int:
    """Says of each file why it can't be used; the exit code: 1 if there was one."""
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0


def _files(name: str, recursive: bool) -> Iterator[Path]:
    path = Path(name)
    if name and path.is_dir():
        yield from _images_in(path, recursive)
    elif name and path.exists():
        yield path
    elif found := sorted(glob.glob(name, recursive=True)):  # noqa: PTH207
        for one in found:
            yield from _files(one, recursive)
    elif "," in name:
        for one in name.split(","):
            yield from _files(one, recursive)
    else:
        raise SettingError("--images", name, "files and folders that exist")


def _images_in(folder: Path, recursive: bool) -> list[Path]:
    found = sorted(
        file
        for file in (folder.rglob("*") if recursive else folder.glob("*"))
        if file.suffix.lower() in (*SUFFIXES, *REFUSED_SUFFIXES)
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not found:
        raise SettingError(
            "--images", str(folder), "a folder with images, such as JPEG or PNG files"
        )
    return found
