"""Images on disk, and the real CIFAR-10."""

from collections.abc import Callable
from pathlib import Path

import cifar
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
    return cifar.test_part(cifar_dir, "cifar10")
