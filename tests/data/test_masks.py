"""Masks of .npz files and folders: checked, and brought to the images' new size."""

import json

import numpy as np
import pytest
from PIL import Image

from ltpa_tf import data, models
from ltpa_tf.data import masks as object_masks
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.map_measures import measure_maps

HEIGHT, WIDTH, COUNT = 40, 60, 6


@pytest.fixture
def masks():
    """Discs, of another size and place in each image."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    at = [(12 + 2 * i, 20 + 5 * i, 6 + i) for i in range(COUNT)]
    return np.stack([np.hypot(y - a, x - b) < r for a, b, r in at])


def write(file, masks, part="test", **more):
    images = np.random.default_rng(0).integers(0, 256, (COUNT, HEIGHT, WIDTH, 3))
    images = images.astype(np.uint8)
    labels = np.arange(COUNT) % 2
    parts = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(file, **parts, **{f"masks_{part}": masks}, **more)
    return str(file)


def test_masks_come_with_their_images_and_give_boxes(tmp_path, masks):
    file = write(tmp_path / "a.npz", masks * np.uint8(7))
    source = data.load("npz", dir=file)
    assert source.train.masks is None and source.train.boxes is None
    np.testing.assert_array_equal(source.test.masks, masks)
    for mask, (top, left, bottom, right) in zip(masks, source.test.boxes, strict=True):
        rows, columns = np.nonzero(mask)
        expected = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        assert (top, left, bottom, right) == expected
    some = source.test.subset(np.array([4, 1]))
    np.testing.assert_array_equal(some.masks, masks[[4, 1]])


def test_boxes_of_the_file_are_kept_beside_masks(tmp_path, masks):
    boxes = np.tile([1, 2, 30, 40], (COUNT, 1))
    source = data.load("npz", dir=write(tmp_path / "a.npz", masks, boxes_test=boxes))
    np.testing.assert_array_equal(source.test.boxes, boxes)


@pytest.mark.parametrize("aspect", ["squash", "pad", "crop"])
def test_masks_lie_where_the_pixels_go(tmp_path, masks, aspect):
    images = np.repeat(masks[..., None] * np.uint8(255), 3, -1)
    labels = np.arange(COUNT) % 2
    file = tmp_path / "a.npz"
    parts = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(file, **parts, masks_test=masks)
    source = data.load(
        "npz", dir=str(file), image_size=32, aspect=aspect, background=(0, 0, 0)
    )
    bright = source.test.array[..., 0] > 127
    np.testing.assert_array_equal(source.test.masks, bright)
    white = data.load("npz", dir=str(file), image_size=32, aspect=aspect)
    np.testing.assert_array_equal(white.test.masks, bright)  # no border is the object


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m[:-1], r"masks_test: .*\(6, 40, 60\).*\(5, 40, 60\)"),
        (lambda m: m[..., None], r"masks_test: .*\(6, 40, 60, 1\)"),
        (lambda m: m * 0.5, "masks_test: .*whole numbers or booleans.*float64"),
        (lambda m: m & (np.arange(COUNT) != 3)[:, None, None], r"masks_test\[3\]"),
    ],
)
def test_what_are_no_masks_is_said(tmp_path, masks, change, said):
    with pytest.raises(SettingError, match=said):
        data.load("npz", dir=write(tmp_path / "a.npz", change(masks)))


def test_a_mask_that_was_cropped_away_has_an_empty_box():
    np.testing.assert_array_equal(
        object_masks.bounds(np.zeros((1, 4, 5), bool)), [[0, 0, 0, 0]]
    )


def test_maps_are_measured_on_masks_rather_than_on_their_boxes(tmp_path, masks):
    """The Jaccard index of a map that marks everything is what the mask covers."""
    source = data.load("npz", dir=write(tmp_path / "a.npz", masks), image_size=32)
    model = models.build(
        "vgg_att2_concat_pc",
        trunk="faster",
        levels=(2, 4),
        width=1 / 16,
        num_classes=2,
    )
    found = measure_maps(
        model, source.test, ("attention",), measures=("boxes",), examples=COUNT
    )
    covered = source.test.masks.mean()
    chance = found["methods"]["chance"]["chance"]
    for measure in ("pointing", "energy", "iou_best"):
        assert chance[measure][0] == pytest.approx(covered)
    assert len(found["methods"]["attention"]) >= 2
    for one in found["methods"]["attention"].values():
        assert {"iou_otsu", "iou_best"} <= set(one)
    json.dumps(found)


FILES = [f"test/{name}/{i}" for name in ("cat", "dog") for i in range(COUNT // 2)]


@pytest.fixture
def folder(tmp_path, masks):
    """Images that show their own masks, in parts, and a class called masks."""
    for part, name in (("train", "cat"), ("train", "dog"), ("train", "masks")):
        save(tmp_path / part / name / "0.png", masks[0] * np.uint8(255))
    for name, mask in zip(FILES, masks, strict=True):
        save(tmp_path / f"{name}.png", mask * np.uint8(255))
        save(tmp_path / "masks" / f"{name}.png", mask * np.uint8(1))
    return tmp_path


def save(file, pixels, **settings):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **settings)


def shown(split):
    pixels = split.images(np.arange(len(split)), np.int64(0))
    return np.asarray(pixels)[..., 0] > 127


@pytest.mark.parametrize("aspect", ["squash", "pad", "crop"])
def test_masks_of_a_folder_lie_where_the_pixels_go(folder, aspect):
    settings = {"image_size": 32, "aspect": aspect, "background": (0, 0, 0)}
    source = data.load("folder", dir=str(folder), **settings)
    assert source.class_names == ("cat", "dog", "masks")
    assert source.train.masks is None
    np.testing.assert_array_equal(source.test.masks, shown(source.test))
    np.testing.assert_array_equal(
        source.test.boxes, object_masks.bounds(np.asarray(source.test.masks))
    )


def test_masks_of_a_folder_in_other_forms(folder, masks):
    """Of a camera held sideways, in colours with an opaque border, with a palette."""
    sideways = Image.Exif()
    sideways[274] = 6
    upright = np.rot90(masks[0], -1)
    save(folder / f"{FILES[0]}.png", masks[0] * np.uint8(255), exif=sideways)
    save(folder / "masks" / f"{FILES[0]}.png", np.ascontiguousarray(upright))
    off, on = np.zeros_like(masks[1]), np.ones_like(masks[1])
    colours = np.stack([off, off, masks[1], on], -1) * np.uint8(255)
    save(folder / "masks" / f"{FILES[1]}.png", colours)
    palette = Image.fromarray(masks[2] * np.uint8(3)).convert("P")
    palette.save(folder / "masks" / f"{FILES[2]}.png")
    source = data.load("folder", dir=str(folder), image_size=64)
    np.testing.assert_array_equal(source.test.masks, shown(source.test))


def test_masks_of_a_folder_are_read_when_they_are_asked_for(folder, masks):
    """And not held in memory: those of a large folder have no room there."""
    source = data.load("folder", dir=str(folder))
    some = source.test.subset(np.array([4, 1]))
    np.testing.assert_array_equal(some.masks, shown(source.test)[[4, 1]])
    for name in FILES:
        save(folder / "masks" / f"{name}.png", masks[0] * np.uint8(1))
    np.testing.assert_array_equal(some.masks, masks[[0, 0]])


def test_maps_are_measured_on_masks_of_a_folder(folder):
    source = data.load("folder", dir=str(folder), image_size=32)
    model = models.build(
        "vgg_att2_concat_pc",
        trunk="faster",
        levels=(2, 4),
        width=1 / 16,
        num_classes=3,
    )
    found = measure_maps(
        model, source.test, ("attention",), measures=("boxes",), examples=COUNT
    )
    chance = found["methods"]["chance"]["chance"]["energy"][0]
    assert chance == pytest.approx(shown(source.test).mean())


def test_masks_of_a_labelled_folder(folder):
    names = ("dog", "cat", "masks")
    split, _, _ = data.labelled_folder(str(folder), names, (32, 32))
    np.testing.assert_array_equal(split.masks, shown(split))
    assert split.boxes is not None


def test_what_are_no_masks_of_a_folder_is_said(folder):
    file = folder / "masks" / f"{FILES[4]}.png"
    for change, said in (
        (lambda: save(file, np.ones((4, 5), np.uint8)), r"1\.png: .*\(1, 40, 60\)"),
        (lambda: save(file, np.zeros((40, 60), np.uint8)), r"1\.png\[0\]: .*object"),
        (lambda: file.write_text("mask"), r"1\.png: .*no image"),
        (lambda: file.unlink(), "masks: .*no mask of test/dog/1.png"),
    ):
        change()
        with pytest.raises(SettingError, match=said):
            data.load("folder", dir=str(folder), image_size=32)
