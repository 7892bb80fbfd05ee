import numpy as np
import pytest

from ltpa_tf.grid import Grid


@pytest.mark.parametrize("cells", [(8, 8), (5, 7), (32, 33), (1, 1)])
def test_filling_is_how_tensorflow_resizes(cells):
    tf = pytest.importorskip("tensorflow")
    maps = np.random.default_rng(0).random(cells, np.float32)
    rows, columns = Grid.filling(cells, (32, 33)).interpolation(cells, (32, 33))
    expected = tf.image.resize(maps[None, ..., None], (32, 33))[0, ..., 0]
    np.testing.assert_allclose(rows @ maps @ columns.T, expected, atol=1e-6)


def test_interpolation_by_hand():
    # Two cells a side, at pixels 1 and 5 of 8 down, at 0 and 2 of 3 across.
    rows, columns = Grid((1, 0), (4, 2)).interpolation((2, 2), (8, 3))
    np.testing.assert_allclose(rows[:, 0], [1, 1, 0.75, 0.5, 0.25, 0, 0, 0])
    np.testing.assert_allclose(columns[:, 1], [0, 0.5, 1])
    np.testing.assert_allclose(rows.sum(1), 1)
