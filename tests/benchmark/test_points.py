"""Which points are measured."""

import pytest

from ltpa_tf.benchmark.points import Point, points
from ltpa_tf.errors import SettingError

BASE = Point(batch_size=64, image_size=32, width=0.5)


def test_control_is_the_base_without_attention():
    (axis, control), *rest = points(BASE, {})
    assert (axis, rest) == ("control", [])
    assert control == Point(batch_size=64, image_size=32, width=0.5, levels=0)


def test_an_axis_has_the_base_and_changes_nothing_else():
    _, *found = points(BASE, {"batch_size": [128, 16]})
    assert [axis for axis, _ in found] == 3 * ["batch_size"]
    assert [point.batch_size for _, point in found] == [16, 64, 128]
    assert found[1][1] == BASE


def test_larger_images_have_as_many_pixels_a_step():
    _, _, (_, larger) = points(BASE, {"image_size": [128]})
    assert (larger.image_size, larger.batch_size) == (128, 4)


def test_replicas_have_a_batch_each():
    _, _, (_, two) = points(BASE, {"replicas": [2]})
    assert (two.replicas, two.batch_size) == (2, 128)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (
            {"depth": [1]},
            "expected one of batch_size, image_size.*Received: 'depth'",
        ),
        ({"levels": [4]}, "levels: expected 0 to 3.*Received: 4"),
        ({"replicas": [0]}, "replicas: expected 1 or more.*Received: 0"),
        ({"image_size": [0]}, "image_size: expected 32 or more.*Received: 0"),
        ({"width": [0.0]}, "width: expected a number above 0.*Received: 0.0"),
    ],
)
def test_what_cannot_be_measured(series, message):
    with pytest.raises(SettingError, match=message):
        points(BASE, series)
