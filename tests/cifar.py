"""The real CIFAR files, in any of the forms that they come in."""

import lzma
from pathlib import Path

import numpy as np
import pytest


def test_part(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images, labels and class names of the test part; skips where there is none.

    Args:
        folder: With NAME.npz, packed files, or the archives of the authors.
        name: `"cifar10"` or `"cifar100"`.
    """
    if (folder / f"{name}.npz").exists():
        with np.load(folder / f"{name}.npz") as arrays:
            return arrays["x_test"], arrays["y_test"], arrays["label_names"].tolist()
    if (folder / f"{name}.test.xz").exists():
        with np.load(folder / f"{name}.labels.npz") as arrays:
            labels, names = arrays["y_test"], arrays["label_names"].tolist()
        return _unpacked((folder / f"{name}.test.xz").read_bytes()), labels, names
    from ltpa_tf.data.archives import read_archive

    archives = {
        "cifar10": ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
        "cifar100": ("cifar-100-python", "cifar-100-python.tar.gz"),
    }
    for archive in archives[name]:
        if (folder / archive).exists():
            parts, names = read_archive(folder / archive)
            return parts["test"]["image"], parts["test"]["label"], list(names["label"])
    pytest.skip(f"LTPA_CIFAR_DIR, {folder}, holds no {name}")


def _unpacked(packed: bytes) -> np.ndarray:
    """Images packed as differences from the median of three neighbours (LOCO-I).

    The planes are G, R-G, B-G; the differences, folded to be positive, are bytes.
    """
    codes = np.frombuffer(lzma.decompress(packed), np.uint8).reshape(-1, 3, 32, 32)
    codes = codes.astype(np.int16).transpose(2, 3, 1, 0)  # rows first: pixel by pixel
    residuals = np.where(codes & 1, -((codes + 1) >> 1), codes >> 1)
    planes = np.zeros_like(residuals)
    nothing = np.zeros_like(planes[0, 0])
    for row, column in np.ndindex(32, 32):
        west = planes[row, column - 1] if column else None
        north = planes[row - 1, column] if row else None
        if west is None and north is None:
            west = north = corner = nothing
        elif west is None:
            west = corner = north
        elif north is None:
            north = corner = west
        else:
            corner = planes[row - 1, column - 1]
        # The gradient, kept within its neighbours, is their median.
        low, high = np.minimum(west, north), np.maximum(west, north)
        guess = np.clip(west + north - corner, low, high)
        value = guess + residuals[row, column]
        green = value[0] & 255
        planes[row, column] = (
            green,
            ((value[1] + green) & 255) - green,
            ((value[2] + green) & 255) - green,
        )
    green, red, blue = planes.transpose(2, 3, 0, 1)
    return np.stack([red + green, green, blue + green], -1).astype(np.uint8)
