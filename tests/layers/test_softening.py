import numpy as np
import pytest

from ltpa_tf.data import sharpness
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import Softening


@pytest.mark.parametrize("share", [28, -28, 85])
def test_is_what_softens_test_images_before_it_is_rounded(share):
    images = np.random.default_rng(0).integers(64, 192, (3, 7, 5, 3)).astype(np.uint8)
    found = np.asarray(Softening(share / 256)(images.astype(np.float32)))
    rounded = sharpness.softened(images, share).numpy().astype(np.float32)
    inside = (found > 0) & (found < 255)
    assert inside.mean() > 0.9
    assert np.abs(found - rounded)[inside].max() <= 0.5


def test_by_hand_at_the_border():
    # Along a column: 8 keeps itself and has itself above it.
    column = np.array([8.0, 0.0, 4.0]).reshape((1, 3, 1, 1))
    found = np.asarray(Softening(0.25)(column)).ravel()
    np.testing.assert_array_equal(found, [6.0, 3.0, 3.0])


@pytest.mark.parametrize("share", [0.5, float("nan"), float("-inf"), "0.1"])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(SettingError, match="share: .*a number, a third at most"):
        Softening(share)
