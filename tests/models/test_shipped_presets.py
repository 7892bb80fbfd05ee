"""The models that come with the package."""

from pathlib import Path

import cifar
import numpy as np
import pytest
import tiny_imagenet
from PIL import Image

from ltpa_tf import models
from ltpa_tf.models.presets import FOLDER

PHOTOS = Path(__file__).parents[2] / "docs" / "photos"
# Megabytes of the weights, and what the real test part must give at least.
PROMISED = {
    "cifar10_att2_small": (6, 0.96),
    "cifar100_att3_small": (12, 0.80),
    "tinyimagenet_att3_small": (12, 0.52),
}
SHOWN = {
    "cifar10_att2_small": {"cat.jpg": "cat"},
    "cifar100_att3_small": {"rocket.jpg": "rocket"},
    "tinyimagenet_att3_small": {"cup.jpg": "espresso"},
}


def test_their_names():
    assert models.list_presets() == sorted(PROMISED)
    assert models.list_presets("cifar10_*") == ["cifar10_att2_small"]


def test_all_of_them_fit_into_a_wheel():
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 35e6
    for name, (megabytes, _) in PROMISED.items():
        assert (FOLDER / name / "model.weights.h5").stat().st_size < megabytes * 1e6


@pytest.mark.parametrize("name", PROMISED)
def test_they_know_what_is_on_a_photo(name):
    model, known = models.from_preset(name), models.preset_metadata(name)
    for file, expected in SHOWN[name].items():
        picture = Image.open(PHOTOS / file).convert("RGB").resize((32, 32), Image.BOX)
        logits = model(np.asarray(picture, np.float32)[None])[0]
        assert known["class_names"][np.argmax(logits)] == expected


@pytest.mark.parametrize(
    "name",
    [
        "cifar10_att2_small",
        pytest.param("cifar100_att3_small", marks=pytest.mark.slow),
        pytest.param("tinyimagenet_att3_small", marks=pytest.mark.slow),
    ],
)
def test_they_can_be_tuned_to_other_classes(name):
    tuned, whole = models.from_preset(name, num_classes=5), models.from_preset(name)
    assert tuned.output_shape == (None, 5)
    kernels = [np.asarray(m.get_layer("conv7").kernel) for m in (tuned, whole)]
    np.testing.assert_array_equal(*kernels)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMISED)
def test_their_cards_say_what_the_real_test_part_gives(name, cifar_dir):
    """To the last image, but for 2 of 10,000, since sums are rounded as they come."""
    data, _, _ = name.partition("_")
    if data == "tinyimagenet":
        images, labels, names = tiny_imagenet.test_part(cifar_dir)
    else:
        images, labels, names = cifar.test_part(cifar_dir, data)
    model, known = models.from_preset(name), models.preset_metadata(name)
    assert known["class_names"] == names
    accuracy = (model.predict(images, 250, verbose=0).argmax(1) == labels).mean()
    assert accuracy >= PROMISED[name][1]
    (top1,) = (v for k, v in known["measured"].items() if k.startswith("top1"))
    assert accuracy == pytest.approx(top1, abs=2e-4)
