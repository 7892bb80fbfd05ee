import keras
import numpy as np
import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import PixelScaling

IMAGE = np.array([[[[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]]]], np.float32)


def test_by_hand():
    layer = PixelScaling((1, 2, 3), (0.5, 0, -1))
    expected = [[[[10.5, 40, 89], [40.5, 100, 179]]]]
    np.testing.assert_array_equal(layer(IMAGE), expected)
    backwards = PixelScaling((1, 2, 3), (0.5, 0, -1), reverse=True)
    expected = [[[[30.5, 40, 29], [60.5, 100, 119]]]]
    np.testing.assert_array_equal(backwards(IMAGE), expected)


def test_grey_becomes_every_channel():
    layer = PixelScaling((1, 2, 3), (0, 0, -1), reverse=True)
    expected = [[[[10, 20, 29], [40, 80, 119]]]]
    np.testing.assert_array_equal(layer(IMAGE[..., :1]), expected)


def test_float32_under_every_policy_and_after_a_round_trip():
    layer = PixelScaling((1 / 3,) * 3, (0.1,) * 3, True, dtype="mixed_bfloat16")
    again = PixelScaling.from_config(layer.get_config())
    for one in (layer, again):
        made = one(IMAGE)
        assert keras.backend.standardize_dtype(made.dtype) == "float32"
        np.testing.assert_allclose(made, IMAGE[..., ::-1] / 3 + 0.1, rtol=1e-6)


@pytest.mark.parametrize(
    ("scale", "offset", "said"),
    [((1, 1), (0,), "2 numbers"), ((1, 1), (0, 0), "1 channel, or 2")],
)
def test_what_does_not_fit_is_refused(scale, offset, said):
    with pytest.raises(SettingError, match=said):
        PixelScaling(scale, offset)(IMAGE)
