"""Translated and cluttered MNIST, of made-up digits."""

import numpy as np
import pytest

from ltpa_tf import data
from ltpa_tf.data import scattered
from ltpa_tf.errors import SettingError


def digits(count, brightness=200):
    """Each a block of its own size and grey, so that images tell which it is."""
    array = np.zeros((count, 12, 10), np.uint8)
    for i in range(count):
        array[i, 2 : 6 + i % 5, 3 : 5 + i % 4] = brightness + i
    return array


@pytest.fixture
def file(tmp_path):
    np.savez(
        tmp_path / "mnist.npz",
        x_train=digits(40),
        y_train=np.arange(40) % 4,
        x_test=digits(8, brightness=100),
        y_test=np.arange(8) % 4,
    )
    return str(tmp_path / "mnist.npz")


def load(file, name="cluttered_mnist", **settings):
    return data.load(name, dir=file, **{"image_size": 40, **settings})


def test_a_translated_digit_is_the_digit_somewhere(file):
    source = load(file, "translated_mnist")
    assert source.image_shape == (40, 40, 3)
    bank = digits(40)
    corners = set()
    for i, (image, box) in enumerate(
        zip(source.train.array, source.train.boxes, strict=True)
    ):
        top, left, bottom, right = box
        corners.add((top, left))
        own = bank[i][bank[i] > 0]
        inside = image[top:bottom, left:right]
        assert (inside == 200 + i).all() and inside[..., 0].size == own.size
        assert image.sum() == 3 * own.astype(int).sum()
    assert len(corners) > 30
    np.testing.assert_array_equal(source.train.labels, np.arange(40) % 4)


def test_clutter_is_added_and_is_of_other_digits_of_the_same_part(file):
    plain, cluttered = (load(file, name) for name in scattered.NAMES)
    for part, bank in (("train", digits(40)), ("test", digits(8, brightness=100))):
        before = getattr(plain, part).array.astype(int)
        after = getattr(cluttered, part).array.astype(int)
        np.testing.assert_array_equal(
            getattr(plain, part).boxes, getattr(cluttered, part).boxes
        )
        added = after - before
        assert (added >= 0).all()
        assert (added.any((1, 2, 3))).mean() > 0.9
        assert ((added > 0).sum((1, 2, 3)) <= 3 * 4 * 64).all()
        alone = added[(before == 0) & (after < 255)]  # or several add up
        assert np.isin(alone[alone <= bank.max()], [0, *np.unique(bank)]).all()


def test_places_and_windows_cover_all_there_is():
    bank = np.full((3, 8, 9), 1, np.uint8)
    images, boxes = scattered.compose(bank, np.arange(3000), 0, side=11, pieces=0)
    assert {tuple(box[:2]) for box in boxes} == {
        (y, x) for y in range(4) for x in range(3)
    }
    assert (images.sum((1, 2)) == 72).all()


def test_an_image_is_a_function_of_seed_and_number():
    bank = digits(40)
    whole, _ = scattered.compose(bank, np.arange(100), 3, side=40, pieces=4)
    part, _ = scattered.compose(bank, np.arange(50, 60), 3, side=40, pieces=4)
    other, _ = scattered.compose(bank, np.arange(50, 60), 4, side=40, pieces=4)
    np.testing.assert_array_equal(part, whole[50:60])
    assert (part != other).any((1, 2)).all()
    assert whole[0].sum() != whole[40].sum()  # of the same digit


def test_the_bits_are_always_these():
    """So a table that names a seed can be made again."""
    images, boxes = scattered.compose(digits(40), np.arange(4), 0, side=40, pieces=4)
    assert boxes[:, :2].tolist() == [[21, 20], [5, 3], [13, 6], [16, 31]]
    assert images.sum((1, 2)).tolist() == [14109, 17180, 20642, 20461]


def test_more_images_than_digits(file):
    source = load(file, train_examples=100)
    assert len(source.train) == 100
    np.testing.assert_array_equal(source.train.labels, np.arange(100) % 40 % 4)


def test_validation_digits_are_never_trained_on(file):
    source = load(file, "translated_mnist", validation_examples=12, train_examples=90)
    assert len(source.validation) == 12 and len(source.train) == 90
    trained = set(np.unique(source.train.array)) - {0}
    held_out = set(np.unique(source.validation.array)) - {0}
    assert len(trained) == 28 and len(held_out) == 12 and not trained & held_out
    by_share = load(file, "translated_mnist", validation_share=0.3)
    np.testing.assert_array_equal(by_share.validation.array, source.validation.array)


def test_test_images_are_the_same_for_every_seed(file):
    one, other = (load(file, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.test.array, other.test.array)
    assert (one.train.array != other.train.array).any()
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == load(file).fingerprint


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dir": ""}, "data.dir: .*Received: ''"),
        ({"dir": "no.npz"}, "data.dir: .*Received: .*no.npz"),
        ({"image_size": 11}, "data.image_size: expected 12 and more.*Received: 11"),
        (
            {"validation_examples": 37},
            "data.validation_examples: expected at most 36.*Received: 37",
        ),
        ({"train_examples": 3}, "has no training image|without a training image|class"),
    ],
)
def test_mistakes_are_sentences(file, settings, message):
    with pytest.raises(SettingError, match=message):
        data.load("cluttered_mnist", **{"dir": file, **settings})


def test_coloured_digits_are_refused(tmp_path):
    images = np.zeros((4, 8, 8, 3), np.uint8)
    images[0, 0, 0, 0] = 9
    np.savez(tmp_path / "m.npz", x_train=images, y_train=np.arange(4))
    with pytest.raises(SettingError, match="x_train: .*Received: 'coloured images'"):
        load(str(tmp_path / "m.npz"))
