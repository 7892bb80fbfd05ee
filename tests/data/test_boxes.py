"""Boxes in .npz files and folders: checked, and where a new size puts them."""

import numpy as np
import pytest
from image_kinds import lying
from PIL import Image

from ltpa_tf import data
from ltpa_tf.data import boxes
from ltpa_tf.errors import SettingError
from ltpa_tf.images.fit import fit


@pytest.mark.parametrize("aspect", ["squash", "pad", "crop"])
@pytest.mark.parametrize(
    ("have", "want"), [((40, 60), (32, 32)), ((31, 17), (48, 64)), ((64, 64), (16, 16))]
)
def test_boxes_are_where_the_pixels_go(aspect, have, want):
    rng = np.random.default_rng(0)
    for _ in range(10):
        first = [rng.integers(0, side - 8) for side in have]
        box = (
            *first,
            *(a + rng.integers(8, s - a + 1) for a, s in zip(first, have, strict=True)),
        )
        top, left, bottom, right = box
        image = np.zeros((*have, 3), np.uint8)
        image[top:bottom, left:right] = 255
        seen = fit(image, want, aspect, (0, 0, 0)).numpy()[..., 0] > 127
        (found,) = boxes.fitted(np.array([box]), [have], want, aspect)
        if not seen.any():
            continue
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        bounds = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
        assert np.abs(found - bounds).max() <= 1
        assert (found >= 0).all() and (found[2:] <= want).all()


def test_a_box_that_is_cropped_away_is_empty():
    (found,) = boxes.fitted(np.array([[0, 0, 20, 5]]), [(20, 60)], (20, 20), "crop")
    assert found[1] == found[3]


def write_npz(file, **arrays):
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 40, 3), np.uint8)
    labels = np.array([0, 1, 0, 1])
    parts = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(file, **parts, **arrays)
    return file


def test_npz_boxes_come_with_their_images(tmp_path):
    given = np.array([[0, 0, 16, 20], [1, 2, 32, 40], [8, 8, 9, 9], [0, 0, 32, 40]])
    file = write_npz(tmp_path / "a.npz", boxes_test=given)
    source = data.load("npz", dir=str(file))
    assert source.train.boxes is None
    np.testing.assert_array_equal(source.test.boxes, given)
    assert source.test.boxes.dtype == np.int32
    twice = data.load("npz", dir=str(file), image_size=64)
    np.testing.assert_array_equal(twice.test.boxes[0], [0, 0, 32, 32])
    subset = source.test.subset(np.array([2, 0]))
    np.testing.assert_array_equal(subset.boxes, given[[2, 0]])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[0, 0, 33, 40]] * 4, r"boxes_train\[0\]: .*32x40.*0, 0, 33, 40"),
        ([[0, 0, 9, 9]] * 3 + [[5, 5, 5, 9]], r"boxes_train\[3\]: .*top < bottom"),
        ([[0, 0, 9, 9]] * 3, r"boxes_train.*integers \(4, 4\).*\(3, 4\)"),
        ([[0.5, 0, 9, 9]] * 4, r"boxes_train.*float64"),
    ],
)
def test_npz_boxes_that_are_none(tmp_path, given, said):
    file = write_npz(tmp_path / "a.npz", boxes_train=np.array(given))
    with pytest.raises(SettingError, match=said):
        data.load("npz", dir=str(file))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for part, name, count in (
        ("train", "cat", 2),
        ("train", "dog", 2),
        ("test", "cat", 1),
        ("test", "dog", 1),
    ):
        (tmp_path / part / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (40, 80, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_a_folder_with_a_table_of_boxes(folder):
    table = folder / "boxes.csv"
    lines = ["file,top,left,bottom,right", "test/dog/0.png,0,0,40,40"]
    table.write_text("\n".join([*lines, "test/cat/0.png,10,20,20,80"]))
    source = data.load("folder", dir=str(folder), image_size=40)
    assert source.train.boxes is None
    by_class = dict(
        zip(source.test.labels.tolist(), source.test.boxes.tolist(), strict=True)
    )
    assert by_class == {0: [10, 10, 20, 40], 1: [0, 0, 40, 20]}

    table.write_text("\n".join(lines))
    with pytest.raises(SettingError, match=r"boxes.csv: .*no box of test/cat/0.png"):
        data.load("folder", dir=str(folder), image_size=40)
    table.write_text("\n".join([*lines, "test/cat/0.png,0,0,41,80"]))
    with pytest.raises(SettingError, match=r"boxes.csv: test/cat/0.png: .*40x80"):
        data.load("folder", dir=str(folder), image_size=40)
    table.write_text("\n".join([*lines, "test/cat/0.png,0,0,forty,80"]))
    with pytest.raises(SettingError, match=r"boxes.csv, line 3: .*whole numbers"):
        data.load("folder", dir=str(folder), image_size=40)
    table.write_text("\n".join([lines[0], "dog/0.png,0,0,40,40"]))
    with pytest.raises(SettingError, match=r"boxes.csv: .*such as .*/0.png.*none of"):
        data.load("folder", dir=str(folder), image_size=40)
    table.write_text("name,x,y\n")
    with pytest.raises(SettingError, match=r"boxes.csv: .*columns file,top"):
        data.load("folder", dir=str(folder), image_size=40)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_boxes_are_of_the_image_as_it_is_seen(folder, orientation):
    """A camera that was held sideways changes nothing about them."""
    image = np.zeros((40, 80, 3), np.uint8)
    image[8:16, 50:70] = 255
    for name in ("cat", "dog"):
        file = folder / "test" / name / "0.png"
        file.write_bytes(lying(image, orientation, "PNG"))
    rows = [f"test/{name}/0.png,8,50,16,70" for name in ("cat", "dog")]
    table = "\n".join(["file,top,left,bottom,right", *rows])
    (folder / "boxes.csv").write_text(table)
    for aspect, box in {
        "squash": [8, 25, 16, 35],
        "pad": [14, 25, 18, 35],
        "crop": [8, 30, 16, 40],
    }.items():
        chosen = {"image_size": 40, "aspect": aspect, "background": (0, 0, 0)}
        test = data.load("folder", dir=str(folder), **chosen).test
        assert test.boxes.tolist() == [box, box]
        top, left, bottom, right = box
        white = test.array[0, ..., 0] > 127
        assert white[top:bottom, left:right].all()
        assert not np.delete(white, np.s_[top:bottom], 0).any()
        assert not np.delete(white, np.s_[left:right], 1).any()
