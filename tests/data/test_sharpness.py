"""Test images brought to the training images' sharpness."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.data import sharpness
from ltpa_tf.data.source import file_split
from ltpa_tf.errors import SettingError


def pictures(number, seed):
    """Noise, twice as strong in coarse parts as in fine ones."""
    random = np.random.default_rng(seed)
    coarse = random.normal(0, 40, (number, 4, 4, 3)).repeat(4, 1).repeat(4, 2)
    fine = random.normal(0, 20, (number, 16, 16, 3))
    return (128 + coarse + fine).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def unlike():
    """Training images that were softened by 28 256ths, and test images that weren't."""
    train = sharpness.softened(pictures(300, 0), 28).numpy()
    labels = np.arange(300) % 3
    boxes = np.tile(np.int32([2, 3, 9, 9]), (200, 1))
    return data.Source(
        name="npz",
        class_names=("a", "b", "c"),
        image_shape=(16, 16, 3),
        train=data.array_split(train, labels),
        validation=None,
        test=data.array_split(pictures(200, 1), labels[:200], boxes),
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
        fingerprint="unlike",
    )


@pytest.mark.parametrize("share", [-64, -10, 0, 28, 85])
def test_the_filter_is_numpys_convolution_along_both_sides(share):
    images = pictures(5, 2)
    found = sharpness.softened(images, share).numpy()
    kernel = np.float64([share, 256 - 2 * share, share]) / 256
    expected = images.astype(float)
    for axis in (1, 2):
        expected = np.apply_along_axis(
            lambda line: np.convolve(np.pad(line, 1, "symmetric"), kernel, "valid"),
            axis,
            expected,
        )
    assert np.abs(found - expected.clip(0, 255)).max() <= 0.5
    if share == 0:
        np.testing.assert_array_equal(found, images)


def test_the_share_that_was_taken_is_found_again(unlike):
    assert sharpness.matching_share(unlike.test, unlike.train) == pytest.approx(
        28, abs=2
    )
    assert sharpness.matching_share(unlike.train, unlike.train) == 0
    back = sharpness.matching_share(unlike.train, unlike.test)
    assert back < -28


def test_test_images_alone_are_brought_to_it(unlike):
    found = sharpness.matched(unlike)
    share = sharpness.matching_share(unlike.test, unlike.train)
    expected = sharpness.softened(unlike.test.array, share)
    np.testing.assert_array_equal(found.test.array, expected)
    assert found.train is unlike.train
    np.testing.assert_array_equal(found.test.labels, unlike.test.labels)
    np.testing.assert_array_equal(found.test.boxes, unlike.test.boxes)
    assert found.fingerprint != unlike.fingerprint


def test_images_that_are_read_one_by_one_are_too(unlike):
    there = tf.constant(unlike.test.array)
    one_by_one = file_split(
        lambda index: tf.gather(there, index), unlike.test.labels, (16, 16, 3)
    )
    source = dataclasses.replace(unlike, test=one_by_one)
    indices = tf.constant([3, 0, 199], tf.int64)
    found = sharpness.matched(source).test.images(indices, tf.constant(0, tf.int64))
    np.testing.assert_array_equal(
        found, sharpness.matched(unlike).test.array[[3, 0, 199]]
    )


def test_by_its_setting(unlike, tmp_path):
    file = tmp_path / "unlike.npz"
    parts = {"train": unlike.train, "test": unlike.test}
    arrays = {f"x_{name}": part.array for name, part in parts.items()}
    arrays |= {f"y_{name}": part.labels for name, part in parts.items()}
    np.savez(file, **arrays)
    plain = data.load("npz", dir=str(file))
    found = data.load("npz", dir=str(file), match_sharpness=True)
    np.testing.assert_array_equal(plain.test.array, unlike.test.array)
    np.testing.assert_array_equal(found.test.array, sharpness.matched(plain).test.array)
    assert found.fingerprint != plain.fingerprint
    with pytest.raises(SettingError, match=r"data\.match_sharpness: .*Received: 'yes'"):
        data.load("npz", dir=str(file), match_sharpness="yes")
    np.savez(file, x_train=arrays["x_train"], y_train=arrays["y_train"])
    with pytest.raises(SettingError, match="a data set with a test part"):
        data.load("npz", dir=str(file), match_sharpness=True)
