"""Image files given on the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ltpa_tf.errors import SettingError

if TYPE_CHECKING:
    import numpy as np

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def image_files(names: Sequence[str]) -> list[Path]:
    """The files that `names` stand for; of a folder, all images below it by name.

    Hidden ones are left out, as in a folder to train on: "._1.jpg" beside a Mac's
    "1.jpg" is no image.

    Raises:
        SettingError: If there is no name, one doesn't exist or a folder holds no image.
    """
    if not names:
        raise SettingError("--images", "", "files and folders that exist")
    files = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = sorted(
                file
                for file in path.rglob("*")
                if file.suffix.lower() in _SUFFIXES
                and not any(p.startswith(".") for p in file.relative_to(path).parts)
            )
            if not found:
                raise SettingError("--images", name, "a folder with JPEG or PNG files")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise SettingError("--images", name, "files and folders that exist")
    return files


def read_images(files: Sequence[Path], size: tuple[int, int]) -> "np.ndarray":
    """Decodes and resizes as a server does.

    Args:
        files: JPEG or PNG, of any size.
        size: `(H, W)` of the result.

    Returns:
        uint8 `[N, H, W, 3]`.

    Raises:
        SettingError: If a file can't be read as an image; it names the file.
    """
    import numpy as np
    import tensorflow as tf

    from ltpa_tf.images.files import read
    from ltpa_tf.serving.images import decode_batch
    from ltpa_tf.serving.sentences import sentence

    # In a graph: eager errors lack the words that a server answers with.
    decode = tf.function(
        lambda encoded: decode_batch(encoded, size),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    images = []
    for file in files:
        try:
            images.append(decode(tf.constant([read(file)]))[0].numpy())
        except tf.errors.InvalidArgumentError as error:
            raise SettingError(
                str(file), "a file that can't be used", sentence(error.message)
            ) from None
    return np.stack(images)
