from pathlib import Path

import numpy as np
import pytest

from ltpa_tf.data import load
from ltpa_tf.data.arrays import rgb
from ltpa_tf.errors import SettingError
from ltpa_tf.images import Preprocessing


@pytest.fixture
def arrays():
    rng = np.random.RandomState(0)
    return {
        "x_train": rng.randint(0, 256, (12, 8, 8, 3)).astype(np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": rng.randint(0, 256, (6, 8, 8, 3)).astype(np.uint8),
        "y_test": np.arange(6) % 3,
        "label_names": np.array(["cat", "dog", "owl"]),
    }


@pytest.fixture
def save(tmp_path):
    def save(arrays):
        file = tmp_path / "data.npz"
        np.savez(file, **arrays)
        return str(file)

    return save


def test_reads_all_parts(arrays, save):
    source = load("npz", dir=save(arrays), validation_examples=3)
    assert source.class_names == ("cat", "dog", "owl")
    assert source.image_shape == (8, 8, 3)
    assert (len(source.train), len(source.validation)) == (9, 3)
    np.testing.assert_array_equal(source.test.array, arrays["x_test"])
    np.testing.assert_array_equal(source.test.labels, arrays["y_test"])
    assert source.test.labels.dtype == np.int32


def test_without_names_and_test_part(arrays, save):
    del arrays["x_test"], arrays["y_test"], arrays["label_names"]
    arrays["y_train"] = arrays["y_train"][:, None]  # Keras keeps labels so
    source = load("npz", dir=save(arrays))
    assert source.class_names == ("0", "1", "2")
    assert source.test is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("x_tset", "x_test"),
        ("Y_train", "y_train"),
        ("box_train", "boxes_train"),
        ("mask_test", "masks_test"),
    ],
)
def test_a_misspelt_name_is_told(arrays, save, name, meant):
    arrays[name] = arrays.pop(meant, np.zeros((6, 4)))
    with pytest.raises(SettingError, match=f"expected '{meant}'.*array '{name}'"):
        load("npz", dir=save(arrays))


def test_arrays_of_other_names_are_left_alone(arrays, save):
    for name in ("id", "x_val", "x_test_raw", "y_train2", "y_test_coarse"):
        arrays[name] = arrays["y_train"]
    assert len(load("npz", dir=save(arrays)).test) == 6


@pytest.mark.parametrize("part", ["y_train", "y_test"])
def test_a_huge_label_is_refused_before_its_classes_are_named(arrays, save, part):
    del arrays["label_names"]
    arrays[part][-1] = 2**31 - 1
    with pytest.raises(SettingError, match="label 2147483647 with 12 training images"):
        load("npz", dir=save(arrays))


def test_resizes(arrays, save):
    arrays["x_train"][:] = 7
    source = load("npz", dir=save(arrays), image_size=32)
    assert source.train.shape == source.image_shape == (32, 32, 3)
    assert np.unique(source.train.array) == 7
    arrays["x_test"] = arrays["x_test"][:, :7]  # whatever size it had
    assert load("npz", dir=save(arrays), image_size=32).test.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"y_train": None}, "x_train, y_train"),
        ({"y_test": None}, "x_train, y_train"),
        ({"y_train": np.arange(12) % 4}, r"label 3 of example 3"),
        ({"y_train": np.arange(12) % 3 - 1}, "labels -1 to 1"),
        ({"y_train": np.zeros(12, int)}, "class 'dog' without"),
        ({"y_train": np.arange(11) % 3}, "12 images and 11 labels"),
        ({"y_train": np.linspace(0, 1, 12)}, "float64"),
        ({"label_names": np.array("cat")}, r"label_names: .*Received: '<U3 \(\)'"),
        ({"label_names": np.array([b"cat", b"dog", b"\xff"])}, r"label_names.*xff"),
        ({"x_train": np.zeros((12, 64))}, r"shape \(12, 64\)"),
        ({"x_train": np.zeros((12, 8, 8, 5))}, r"shape \(12, 8, 8, 5\)"),
        ({"x_train": np.full((12, 8, 8, 3), 200.0)}, "200.0"),
        ({"x_train": np.full((12, 8, 8, 3), np.nan)}, "nan"),
        ({"x_train": np.full((12, 8, 8, 3), -1)}, "-1"),
        ({"x_train": np.full((12, 8, 8, 3), "a")}, "<U1"),
        ({"x_test": np.zeros((6, 9, 8, 3))}, "training images have 8x8.*test part 9x8"),
    ],
)
def test_what_cannot_be_used(arrays, save, change, match):
    arrays = {k: v for k, v in {**arrays, **change}.items() if v is not None}
    with pytest.raises(SettingError, match=match):
        load("npz", dir=save(arrays))


def test_damaged_and_missing_files(arrays, save, tmp_path):
    file = Path(save(arrays))
    content = file.read_bytes()
    np.save(tmp_path / "array.npy", np.arange(3))
    for damaged in (
        content[: len(content) // 2],
        b"",
        b"no archive",
        (tmp_path / "array.npy").read_bytes(),
    ):
        file.write_bytes(damaged)
        with pytest.raises(SettingError, match=r"data\.npz.*unreadable"):
            load("npz", dir=str(file))
    with pytest.raises(SettingError, match="nowhere"):
        load("npz", dir=str(tmp_path / "nowhere.npz"))
    with pytest.raises(SettingError, match="data.dir"):
        load("npz")


def test_pickled_objects_are_refused(save):
    with pytest.raises(SettingError, match="unreadable"):
        load("npz", dir=save({"x_train": np.array([{}], object)}))


def test_rgb_of_every_kind():
    grey = np.array([[[0, 255], [16, 32]]], np.uint8)
    expected = np.repeat(grey[..., None], 3, -1)
    alpha = np.full_like(grey, 255)
    for images in (
        grey,
        grey[..., None],
        np.stack([grey, alpha], -1),
        np.stack([grey, grey, grey], -1),
        np.stack([grey, grey, grey, alpha], -1),
        expected.astype(np.int64),
        expected.astype(np.uint16) * 256 + 255,
        expected / 255,
    ):
        result = rgb(images, "here")
        np.testing.assert_array_equal(result, expected)
        assert result.dtype == np.uint8


def test_transparent_arrays_lie_on_the_background():
    grey = np.array([[[0, 200]]], np.uint8)
    alpha = np.array([[[51, 0]]], np.uint8)  # a fifth visible, and nothing
    white = rgb(np.stack([grey, alpha], -1), "here")
    np.testing.assert_array_equal(white[0, 0], [[204] * 3, [255] * 3])
    deep = np.stack([grey, grey, grey, alpha], -1).astype(np.uint16) * 257
    red = rgb(deep, "here", Preprocessing(background=(255, 0, 0)))
    np.testing.assert_array_equal(red[0, 0], [[204, 0, 0], [255, 0, 0]])


def test_a_window_says_what_is_black_and_white_in_16_bits():
    values = np.array([[[0, 300, 445, 590, 65535]]], np.uint16)
    seen = rgb(values, "here", Preprocessing(window=(300, 590)))
    # floor(256 * (v - 300) / 291)
    np.testing.assert_array_equal(seen[0, 0, :, 0], [0, 0, 127, 255, 255])


def test_few_levels_of_16_bits_are_warned_about(save, caplog):
    images = np.full((4, 32, 32), 300, np.uint16)
    images[:, 0] = 590
    load("npz", dir=save({"x_train": images, "y_train": np.array([0, 1, 0, 1])}))
    (record,) = caplog.records
    assert "values 300 to 590, of which 2 are left" in record.getMessage()
    assert "data.window=300,590" in record.getMessage()
    assert ".npz" in record.getMessage()
