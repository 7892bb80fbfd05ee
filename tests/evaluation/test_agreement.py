"""Rank correlations of maps, by hand."""

import numpy as np
import pytest

from ltpa_tf.evaluation.agreement import agreement


def test_by_hand():
    one = np.array([[[1, 2], [3, 4]], [[4, 3], [2, 1]]], np.float32)
    found = agreement({"one": one, "square": one**2, "against": -one, "flat": 0 * one})
    assert found["one"]["square"] == pytest.approx([1, 1, 1])
    assert found["against"]["one"] == pytest.approx([-1, -1, -1])
    assert found["flat"]["one"] == [0, 0, 0]
    assert found["one"] == {n: found[n]["one"] for n in ("square", "against", "flat")}
    half = np.stack([one[0], one[0]])  # like the first image's, unlike the second's
    assert agreement({"a": one, "b": half})["a"]["b"][0] == pytest.approx(0)
