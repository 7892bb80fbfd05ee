"""A run whose test images were made softer serves images as they are."""

import numpy as np
import pytest
from PIL import Image

from ltpa_tf import config as configuration
from ltpa_tf import data, models, serving
from ltpa_tf.configs import common
from ltpa_tf.data import sharpness
from ltpa_tf.model_file import save_model
from ltpa_tf.run import RunFolder

NAMES = ("ant", "bee")


@pytest.fixture(scope="module")
def run(build, tmp_path_factory):
    """A finished one, and its data as it was given."""
    folder = tmp_path_factory.mktemp("sharper")
    random = np.random.default_rng(0)
    images = random.normal(128, 30, (48, 32, 32, 3)).clip(40, 215).astype(np.uint8)
    softer = sharpness.softened(images[:40], 28).numpy()
    labels = np.arange(48) % 2
    np.savez(
        folder / "unlike.npz",
        x_train=softer,
        y_train=labels[:40],
        x_test=images[40:],
        y_test=labels[40:],
        label_names=NAMES,
    )
    config = common.get_config()
    config.data.name, config.data.dir = "npz", str(folder / "unlike.npz")
    config.data.match_sharpness = True
    source = data.load("npz", dir=config.data.dir, match_sharpness=True)
    made = RunFolder(folder / "run")
    made.create()
    made.config_file.write_text(configuration.to_json(config))
    made.write_dataset(source)
    save_model(build(num_classes=2), made.model_file)
    made.summary_file.write_text("{}")
    return made, images[40:], source


def test_what_it_answers_to_them_is_what_was_measured(run):
    made, given, source = run
    measured = made.load_model()(source.test.array.astype(np.float32))
    found = made.load_model_for_use()(given.astype(np.float32))
    unsoftened = made.load_model()(given.astype(np.float32))
    # But for the rounding of softened pixels.
    np.testing.assert_allclose(found, measured, atol=0.02)
    assert np.abs(unsoftened - measured).max() > 0.05
    assert made.softening() == pytest.approx(28 / 256, abs=3 / 256)


def test_in_a_preset(run, tmp_path):
    made, given, _ = run
    folder = serving.preset_of_run(made, tmp_path / "softer")
    preset = models.from_preset(folder)
    expected = made.load_model_for_use()(given.astype(np.float32))
    np.testing.assert_allclose(preset(given.astype(np.float32)), expected, atol=0.05)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"It makes its images softer first, by {made.softening():.2f}, " in card
    # The normalization that a run starts from is found behind it; a new classifier
    # stands on softened images, too.
    assert models.normalization_of(preset) == models.normalization_of(made.load_model())
    other = models.from_preset(folder, num_classes=5)
    kept = [x.share for x in other.layers if x.name == "softening"]
    assert kept == [made.softening()]


def test_in_an_export(run, tmp_path):
    made, given, _ = run
    version = serving.export_run(made, tmp_path / "model")
    predictor = serving.Predictor.from_saved_model(version)
    expected = made.load_model_for_use()(given.astype(np.float32))
    answers = [one.probabilities for one in predictor.predict(given)]
    chances = np.exp(expected) / np.exp(expected).sum(1, keepdims=True)
    np.testing.assert_allclose(answers, chances, atol=1e-5)
    # The explorer's samples are images as a user has them.
    samples = [np.asarray(Image.open(f)) for f in (version / "samples").glob("*")]
    assert samples
    for sample in samples:
        assert any((sample == image).all() for image in given)
