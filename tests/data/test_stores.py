"""Data sets in a store are those of this machine."""

import numpy as np
import pytest
from PIL import Image

from ltpa_tf.data import load
from ltpa_tf.data.prepare import prepare
from ltpa_tf.errors import SettingError


@pytest.fixture
def folder(tmp_path):
    """A data set in its three forms."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 8, 8, 3), np.uint8)
    labels = np.arange(20) % 2
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        file = tmp_path / "photos" / "ab"[label] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    parts = {"x_train": images[:16], "y_train": labels[:16]}
    parts |= {"x_test": images[16:], "y_test": labels[16:]}
    np.savez(tmp_path / "arrays.npz", **parts)
    prepare(tmp_path / "arrays.npz", "shapes", tmp_path / "sets")
    prepare(tmp_path / "arrays.npz", "others", tmp_path / "sets")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "path", "settings"),
    [
        ("npz", "arrays.npz", {}),
        ("folder", "photos", {"image_size": 8}),
        ("shapes", "sets", {}),
        ("shapes:1.0.0", "sets/", {}),
    ],
)
def test_data_in_a_store(s3, bucket, folder, name, path, settings):
    root = bucket.removeprefix("s3://")
    s3.store().put(str(folder / path), f"{root}/{path.strip('/')}", recursive=True)
    here = load(name, dir=str(folder / path), **settings)
    there = load(name, dir=f"{bucket}/{path}", **settings)
    assert there.fingerprint == here.fingerprint
    assert there.class_names == here.class_names
    np.testing.assert_array_equal(there.test.array, here.test.array)


def test_data_that_is_not_there_is_a_sentence(s3, bucket):
    for name in ("npz", "folder", "shapes"):
        with pytest.raises(SettingError, match=f"data.dir: .*Received: '{bucket}/none"):
            load(name, dir=f"{bucket}/none", image_size=8)
