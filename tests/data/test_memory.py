"""Images that are too large for this machine are a setting, not a MemoryError."""

import math

import numpy as np
import pytest

from ltpa_tf.data import load
from ltpa_tf.data.memory import check_images, memory
from ltpa_tf.errors import SettingError

# Four images take half of the memory.
SIDE = math.isqrt(memory() // 2 // 3 // 4)


@pytest.mark.parametrize("side", [SIDE, 10**6])
@pytest.mark.parametrize("name", ["digits", "npz", "cluttered_mnist", "folder"])
def test_too_large_a_size_is_refused_before_an_image_is_made(
    name, side, pictures, tmp_path
):
    file = tmp_path / "grey.npz"
    images, labels = np.zeros((12, 28, 28), np.uint8), np.arange(12) % 3
    np.savez(file, x_train=images, y_train=labels)
    where = str(pictures if name == "folder" else file)
    refused = r"^data\.image_size: expected at most .*Received: .*"
    with pytest.raises(SettingError, match=f"{refused}{side}"):
        load(name, dir=where, image_size=side)


def test_what_fits_by_hand():
    check_images(4, (SIDE, SIDE))
    check_images(2, (SIDE, 2 * SIDE))
    with pytest.raises(SettingError, match=f"at most {SIDE:,} pixels a side: .* 4 im"):
        check_images(4, (SIDE + 1, SIDE + 1))
