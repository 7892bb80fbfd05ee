import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.data import digits, load
from ltpa_tf.errors import SettingError

PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def source():
    return load("digits", seed=3)


@pytest.fixture(scope="module")
def bank():
    return digits._bank("test", 32)


def glyphs(part):
    """The drawings of a part at their largest size, as a set of bytes."""
    bank = digits._bank(part, 32)
    side = bank.sizes[-1]
    drawings = bank.ink[:-1].reshape(-1, len(bank.sizes), side, side + 1)[:, -1]
    return {drawing.tobytes() for drawing in drawings}


def test_no_digit_stands_in_two_parts():
    train, validation, test = (glyphs(part) for part in PARTS)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert len(train) + len(validation) + len(test) == 1797


def test_every_part_is_balanced(source):
    for part in PARTS:
        counts = np.bincount(getattr(source, part).labels, minlength=10)
        assert counts.min() > 0.8 * counts.max()


def test_shapes_and_names(source):
    assert source.class_names == tuple("0123456789")
    assert source.image_shape == source.train.shape == (32, 32, 3)
    assert (len(source.train), len(source.validation), len(source.test)) == (
        10_000,
        1_000,
        2_000,
    )
    assert source.test.array.shape == (2_000, 32, 32, 3)
    assert source.test.array.dtype == np.uint8
    assert source.train.array is None
    batch = source.train.images(tf.constant([1, 2]), tf.constant(0))
    assert batch.shape == (2, 32, 32, 3)
    assert batch.dtype == tf.uint8


def test_boxes_lie_inside_and_cover_at_most_a_fifth(source):
    boxes = source.test.boxes
    top, left, bottom, right = boxes.T
    assert boxes.dtype == np.int32
    assert boxes.min() >= 0
    assert boxes.max() <= 32
    area = (bottom - top) * (right - left) / 32**2
    assert area.max() <= 0.2
    assert 0.15 < area.mean() < 0.18
    assert np.unique(top).size > 15  # anywhere
    assert np.unique(left).size > 15


def test_the_digit_is_in_its_box(bank):
    """Without its own digit an image differs inside of the box, and only there."""
    inside = np.zeros((32, 32), bool)
    for index in range(5):
        indices = tf.constant([index])
        images, boxes = digits.compose(bank, indices, seed=0, epoch=0)
        ink = bank.ink.copy()
        rows = len(bank.sizes) * (bank.ink.shape[1] - 1)
        ink[index * rows : (index + 1) * rows] = 0
        erased = dataclasses.replace(bank, ink=ink)
        without, _ = digits.compose(erased, indices, seed=0, epoch=0)
        changed = np.any(images[0].numpy() != without[0].numpy(), axis=-1)
        top, left, bottom, right = boxes[0].numpy()
        inside[:] = False
        inside[top:bottom, left:right] = True
        assert not changed[~inside].any()
        # Handwritten digits fill the height of their box.
        assert changed.any(axis=1).sum() >= 0.8 * (bottom - top)


def test_labels_are_those_of_the_digits(source, bank):
    np.testing.assert_array_equal(
        source.test.labels, bank.labels[np.arange(2_000) % len(bank.labels)]
    )


def test_training_images_are_new_in_every_epoch_and_for_every_seed(source):
    indices = tf.range(8)
    first = source.train.images(indices, tf.constant(0)).numpy()
    again = source.train.images(indices, tf.constant(0)).numpy()
    later = source.train.images(indices, tf.constant(1)).numpy()
    other = load("digits", seed=4)
    np.testing.assert_array_equal(first, again)
    assert np.all(np.any(first != later, axis=(1, 2, 3)))
    elsewhere = other.train.images(indices, tf.constant(0)).numpy()
    assert np.all(np.any(first != elsewhere, axis=(1, 2, 3)))


def test_an_image_does_not_depend_on_its_batch(source):
    together = source.train.images(tf.range(16), tf.constant(2)).numpy()
    alone = source.train.images(tf.constant([11]), tf.constant(2)).numpy()
    np.testing.assert_array_equal(together[11:12], alone)


def test_same_images_in_a_graph_and_under_xla(source):
    indices, epoch = tf.range(16), tf.constant(1)
    expected = source.train.images(indices, epoch)
    for jit in (False, True):
        images = tf.function(source.train.images, jit_compile=jit)(indices, epoch)
        np.testing.assert_array_equal(images, expected)


def test_held_out_images_are_the_same_for_every_seed(source):
    other = load("digits", seed=4, train_examples=100)
    np.testing.assert_array_equal(other.test.array, source.test.array)
    np.testing.assert_array_equal(other.validation.array, source.validation.array)
    assert len(other.train) == 100
    assert other.fingerprint != source.fingerprint


def test_the_images_of_this_version():
    """A change here changes the data set: say so where its results stand."""
    assert load("digits").fingerprint.startswith("2e8e44d824400732")


def test_larger_canvas():
    size = 48
    source = load("digits", image_size=size, validation_examples=10)
    assert source.image_shape == (size, size, 3)
    assert len(source.validation) == 10
    top, left, bottom, right = source.test.boxes.T
    assert ((bottom - top) * (right - left)).max() <= size**2 / 5


def test_a_smaller_canvas_is_refused():
    with pytest.raises(SettingError, match=r"data.image_size.*16"):
        load("digits", image_size=16)


def test_a_source_is_told_in_a_line():
    source = load("digits")
    assert repr(source) == (
        "<Source 'digits': 10 classes, 32x32; train 10,000, validation 1,000, "
        "test 2,000>"
    )
    assert repr(source.test) == "<Split: 2,000 images, 32x32, with boxes>"
