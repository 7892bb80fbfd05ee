"""Masks in .npz files: checked, and brought to the images' new size."""

import json

import numpy as np
import pytest

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
