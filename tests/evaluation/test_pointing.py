import numpy as np
import pytest

from ltpa_tf.evaluation.pointing import box_mask, chance, pointing_hits
from ltpa_tf.grid import Grid


def one_hot(size, row, column):
    maps = np.zeros((1, size, size), np.float32)
    maps[0, row, column] = 1
    return maps


def test_box_is_half_open():
    mask = box_mask(np.array([[1, 2, 3, 5]]), (4, 6))[0]
    expected = np.zeros((4, 6), bool)
    expected[1:3, 2:5] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("box", "hit"),
    [
        ([5, 9, 6, 10], 1.0),  # this pixel alone
        ([0, 0, 32, 32], 1.0),
        ([6, 9, 7, 10], 0.0),  # one below
        ([0, 0, 5, 32], 0.0),  # ends just above
    ],
)
def test_hit_by_hand_at_image_resolution(box, hit):
    maps = one_hot(32, 5, 9)
    assert pointing_hits(maps, np.array([box]), (32, 32)) == hit


def test_coarse_map_points_at_the_middle_of_its_cell():
    # Cell (2, 5) of 8x8 covers rows 8-11 and columns 20-23 of 32x32; its four middle
    # pixels are equally high.
    maps = one_hot(8, 2, 5)
    middle = np.array([[9, 21, 11, 23]])
    assert pointing_hits(maps, middle, (32, 32)) == 1
    assert pointing_hits(maps, np.array([[9, 21, 10, 23]]), (32, 32)) == 0.5
    assert pointing_hits(maps, np.array([[12, 0, 32, 32]]), (32, 32)) == 0


@pytest.mark.parametrize("size", [1, 8, 10, 32])
def test_flat_map_scores_exactly_chance(size):
    boxes = np.array([[0, 0, 8, 8], [3, 7, 30, 11], [0, 0, 32, 32]])
    maps = np.full((3, size, size), 1 / size**2, np.float32)
    expected = chance(boxes, (32, 32))
    np.testing.assert_allclose(pointing_hits(maps, boxes, (32, 32)), expected)
    np.testing.assert_allclose(expected, [64 / 1024, 27 * 4 / 1024, 1])


def test_signed_maps_point_at_their_highest_pixel_even_below_zero():
    maps = np.full((1, 8, 8), -3.0, np.float32)
    maps[0, 2, 5] = -1.0
    assert pointing_hits(maps, np.array([[2, 5, 3, 6]]), (8, 8)) == 1
    assert pointing_hits(maps - 5, np.array([[0, 0, 2, 8]]), (8, 8)) == 0
    flat = np.full((1, 8, 8), -2.0, np.float32)
    assert pointing_hits(flat, np.array([[0, 0, 4, 8]]), (8, 8)) == 0.5


def test_random_maps_score_about_chance():
    rng = np.random.default_rng(0)
    boxes = np.tile([[4, 10, 20, 30]], (4000, 1))
    hits = pointing_hits(rng.random((4000, 32, 32)), boxes, (32, 32))
    assert hits.mean() == pytest.approx(16 * 20 / 1024, abs=0.03)


def test_cells_that_leave_some_of_the_image_over():
    # 16 pixels a cell, 144 of 150 covered: the last cell looks at 128 to 143.
    maps = one_hot(9, 8, 8)
    grid = Grid((7.5, 7.5), (16, 16))
    box = np.array([[128, 128, 150, 150]])
    assert pointing_hits(maps, box, (150, 150), grid) == 1
    maps = one_hot(9, 7, 7)  # 112 to 127
    box = np.array([[112, 112, 128, 128]])
    assert pointing_hits(maps, box, (150, 150), grid) == 1
    box = np.array([[119, 119, 121, 121]])  # its very middle
    assert pointing_hits(maps, box, (150, 150), grid) == 1
    assert pointing_hits(maps, box, (150, 150)) < 1  # stretched over all 150


def test_images_that_are_not_square():
    maps = np.zeros((1, 4, 8), np.float32)
    maps[0, 3, 7] = 1
    assert pointing_hits(maps, np.array([[28, 60, 32, 64]]), (32, 64)) == 1
