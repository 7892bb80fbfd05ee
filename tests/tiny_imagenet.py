"""The real Tiny ImageNet at 32 pixels, packed or as the `.npz` that trainings take."""

import io
import lzma
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_part(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images, labels and class names of the test part; skips where there is none.

    Args:
        folder: With tiny32.npz, or with tiny32.index.npz and tiny32.test.xz: JPEG files
            one behind the other.
    """
    if (folder / "tiny32.npz").exists():
        with np.load(folder / "tiny32.npz") as arrays:
            return arrays["x_test"], arrays["y_test"], arrays["label_names"].tolist()
    if not (folder / "tiny32.index.npz").exists():
        pytest.skip(f"LTPA_CIFAR_DIR, {folder}, holds no tiny32")
    with np.load(folder / "tiny32.index.npz") as index:
        sizes, labels = index["test_bytes"], index["test_label"]
        names = [words.split(",")[0] for words in index["words"]]
    stream = io.BytesIO(lzma.decompress((folder / "tiny32.test.xz").read_bytes()))
    images = [Image.open(io.BytesIO(stream.read(n))).convert("RGB") for n in sizes]
    return np.stack([np.asarray(image) for image in images]), labels, names
