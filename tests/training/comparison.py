"""Comparing run folders."""

import json

import keras
import numpy as np

from ltpa_tf.checkpoints import Checkpoints

TIMES = {"seconds", "images_per_second"}


def lines(folder):
    """metrics.jsonl without what measures time."""
    text = (folder / "metrics.jsonl").read_text()
    found = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in found]


def last_checkpoint(folder):
    arrays, position = Checkpoints(folder / "checkpoints", keep=2).latest()
    return arrays, {k: v for k, v in position.items() if k not in TIMES}


def weights(file):
    return [np.array(w) for w in keras.models.load_model(file).weights]


def assert_same_run(left, right):
    """Weights, optimizer slots, metrics and best model are equal bit for bit."""
    assert lines(left) == lines(right)
    for a, b in zip(last_checkpoint(left), last_checkpoint(right), strict=True):
        np.testing.assert_equal(a, b)
    for name in ("model.keras", "best.keras"):
        np.testing.assert_equal(weights(left / name), weights(right / name))
    digests = [
        json.loads((folder / "summary.json").read_text())["weights_sha256"]
        for folder in (left, right)
    ]
    assert digests[0] == digests[1]


def local_rows(arrays):
    """Batch norm's statistics: a row for each replica."""
    parts = [v.reshape(len(v), -1) for k, v in arrays.items() if k[:6] == "local."]
    return np.concatenate(parts, axis=1)


def assert_close(left, right, tolerance=1e-5):
    """The arrays of two states are equal up to rounding."""
    assert left.keys() == right.keys()
    for name in left:
        if name.startswith("local."):
            continue
        np.testing.assert_allclose(
            left[name], right[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


def assert_same(left, right):
    """The arrays of two states are equal bit for bit."""
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
