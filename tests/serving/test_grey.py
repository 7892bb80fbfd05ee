"""Models of grey images: photos lose their colours as by Pillow."""

import numpy as np
import pytest
import tensorflow as tf
from light import small_batches
from PIL import Image

from ltpa_tf import models, serving
from ltpa_tf.errors import SettingError
from ltpa_tf.images.grey import grey


def test_grey_is_pillows():
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    expected = np.asarray(Image.fromarray(colours).convert("L"))
    np.testing.assert_array_equal(grey(colours)[..., 0], expected)


def test_a_grey_model_is_exported_checked_and_asked(tmp_path):
    model = models.build(
        trunk="faster",
        image_shape=(32, 32, 1),
        num_classes=3,
        levels=(2, 4),
        width=1 / 16,
    )
    names = ("cat", "dog", "owl")
    base = small_batches(tmp_path / "grey")
    version = serving.export(model, base, class_names=names)
    assert serving.check_export(base) == []
    colours = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    photo = Image.fromarray(colours)
    photo.save(tmp_path / "photo.png")
    values = np.asarray(photo.convert("L"))[None, ..., None]
    predictor = serving.Predictor.from_saved_model(version)
    (of_file,) = predictor.predict_files([tmp_path / "photo.png"])
    (of_array,) = predictor.predict(values)
    loaded = tf.saved_model.load(version)
    encoded = tf.constant([(tmp_path / "photo.png").read_bytes()])
    of_bytes = loaded.signatures["serving_bytes"](encoded=encoded)["probabilities"][0]
    for other in (of_array.probabilities, of_bytes):
        np.testing.assert_allclose(of_file.probabilities, other, 1e-5)
    expected = np.asarray(model(values)).argmax()
    assert of_file.name == names[expected]


def test_other_numbers_of_channels_are_refused(tmp_path):
    model = models.build(image_shape=(32, 32, 4), num_classes=2, width=1 / 16)
    with pytest.raises(SettingError, match=r"model: .*3 \(colours\).*4 channels"):
        serving.export(model, tmp_path / "four", class_names=("a", "b"))
