"""Where `predict --output` lays maps over files."""

import numpy as np
import pytest
from image_kinds import encode, lying

from ltpa_tf.explain.strip import strip
from ltpa_tf.images import Preprocessing

HEIGHT, WIDTH = 60, 120
GREEN = (0, 255, 0)


def marked():
    """A grey image, twice as wide as high, with a white square on its right side."""
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    image[20:40, 80:100] = 255
    return image


# The model's input is 32x32; where the square is in it, by hand.
PLACES = {
    "squash": (slice(11, 21), slice(22, 26)),
    "pad": (slice(14, 18), slice(22, 26)),
    "crop": (slice(11, 21), slice(27, 32)),
}


@pytest.mark.parametrize("kind", ["upright", "on its side"])
@pytest.mark.parametrize("aspect", PLACES)
def test_colour_is_where_the_model_looked(tmp_path, aspect, kind):
    file = tmp_path / "photo.png"
    image = marked()
    file.write_bytes(encode(image) if kind == "upright" else lying(image, 6, "PNG"))
    attention = np.zeros((32, 32), np.float32)
    attention[PLACES[aspect]] = 1 / attention[PLACES[aspect]].size
    flat = np.full((32, 32), 1 / 1024, np.float32)
    chosen = Preprocessing(aspect=aspect, background=GREEN)
    drawn = np.asarray(strip(file, [flat, attention], chosen)).astype(int)

    height = 128 if aspect == "squash" else 256
    assert drawn.shape == (height, 3 * 256, 3)
    plain, unmarked, coloured = np.split(drawn, 3, axis=1)
    square = plain.min(-1) > 200
    hue = np.ptp(coloured, axis=-1) > 60
    assert hue.any() and not (np.ptp(unmarked, axis=-1) > 60).any()
    covered = (hue & square).sum() / square.sum(), (hue & square).sum() / hue.sum()
    assert min(covered) > 0.5, covered
    # The borders that the model saw are there, and only those.
    assert (plain == GREEN).all(-1).any() == (aspect == "pad")
