"""Images on disk, and the real CIFAR-10."""

import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Writes an image file: `picture(path, colour, size=(8, 8), mode="RGB")`."""

    def write(path, colour, size=(8, 8), mode="RGB", **options):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, colour).save(path, **options)
        return path

    return write


@pytest.fixture
def pictures(tmp_path, picture) -> Path:
    """A folder with 10 red and 20 blue images, each with a value of its own."""
    root = tmp_path / "my images"
    for number in range(10):
        picture(root / "red" / f"{number}.png", (200 + number, 0, 0))
    for number in range(20):
        picture(root / "blue" / f"{number}.png", (0, 0, 200 + number))
    return root


@pytest.fixture(scope="session")
def cifar10(cifar_dir) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images, labels and class names of CIFAR-10's test part."""
    if (cifar_dir / "cifar10.npz").exists():
        with np.load(cifar_dir / "cifar10.npz") as arrays:
            return arrays["x_test"], arrays["y_test"], arrays["label_names"].tolist()
    if (cifar_dir / "cifar10.test.xz").exists():
        with np.load(cifar_dir / "cifar10.labels.npz") as arrays:
            labels, names = arrays["y_test"], arrays["label_names"].tolist()
        return unpack((cifar_dir / "cifar10.test.xz").read_bytes()), labels, names
    from ltpa_tf.data.archives import read_archive

    for name in ("cifar-10-batches-py", "cifar-10-python.tar.gz"):
        if (cifar_dir / name).exists():
            parts, names = read_archive(cifar_dir / name)
            return parts["test"]["image"], parts["test"]["label"], list(names["label"])
    pytest.skip(f"LTPA_CIFAR_DIR, {cifar_dir}, holds no CIFAR-10")


def unpack(packed: bytes) -> np.ndarray:
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
