"""A model saved as a preset comes back with its class names, kernels in float16."""

import json

import h5py
import keras
import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError

NAMES = ("cat", "dog", "fox")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return models.build(
        "vgg_att2_concat_pc",
        num_classes=3,
        width=1 / 16,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        normalization="sigmoid",
    )


@pytest.fixture
def folder(model, tmp_path):
    return models.save_preset(model, tmp_path / "pets", NAMES, {"accuracy": 0.9})


def images(count=2):
    random = np.random.default_rng(1)
    return random.integers(0, 256, (count, 32, 32, 3)).astype(np.float32)


def test_the_same_predictions_with_float16_weights(model, folder):
    loaded = models.from_preset(folder)
    for variable, original in zip(loaded.weights, model.weights, strict=True):
        array = np.asarray(original)
        expected = array.astype(np.float16) if array.ndim > 1 else array
        np.testing.assert_array_equal(np.asarray(variable), expected)
    np.testing.assert_allclose(loaded(images()), model(images()), atol=0.05)
    maps = models.attention_model(loaded)(images())
    assert set(maps) == {"logits", "level_10", "level_13"}
    pruned = models.save_preset(models.prune(model), folder.parent / "small", NAMES)
    np.testing.assert_allclose(
        models.from_preset(pruned)(images()), loaded(images()), atol=1e-5
    )


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_weights_come_from_the_preset_alone(model, tmp_path, storage):
    folder = models.save_preset(model, tmp_path / "small", NAMES, storage=storage)
    (tmp_path / "elsewhere").write_bytes(bytes(1 << 20))
    found = []
    with h5py.File(folder / "model.weights.h5", "a") as file:
        file.visititems(
            lambda name, item: (
                found.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
        shape, dtype = file[found[0]].shape, file[found[0]].dtype
        del file[found[0]]
        part = (str(tmp_path / "elsewhere"), 0, h5py.h5f.UNLIMITED)
        file.create_dataset(found[0], shape, dtype, external=[part])
    with pytest.raises(SettingError, match=r"model\.weights\.h5.*can't be read"):
        models.from_preset(folder)


def test_half_the_bytes(model, folder):
    floats = sum(np.prod(v.shape) for v in model.weights if len(v.shape) > 1)
    assert (folder / "model.weights.h5").stat().st_size < 3 * floats + 300_000


def test_int8_weights_are_whole_steps_of_each_channel(model, tmp_path):
    folder = models.save_preset(model, tmp_path / "small", NAMES, storage="int8")
    loaded = models.from_preset(folder)
    for variable, original in zip(loaded.weights, model.weights, strict=True):
        array, stored = np.asarray(original), np.asarray(variable)
        if array.ndim < 2:
            np.testing.assert_array_equal(stored, array)
            continue
        step = np.abs(array).max(tuple(range(array.ndim - 1))) / 127
        steps = stored / step
        np.testing.assert_array_less(np.abs(steps - array / step), 0.501)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    floats = sum(np.prod(v.shape) for v in model.weights if len(v.shape) > 1)
    assert (folder / "model.weights.h5").stat().st_size < 2 * floats + 300_000
    assert "stored as int8" in (folder / "README.md").read_text()
    tuned = models.from_preset(folder, num_classes=5)
    kernels = [np.asarray(m.get_layer("conv3").kernel) for m in (tuned, loaded)]
    np.testing.assert_array_equal(*kernels)
    with pytest.raises(SettingError, match="storage.*float16, int8.*int4"):
        models.save_preset(model, tmp_path / "other", NAMES, storage="int4")


def test_metadata_and_card(folder):
    metadata = models.preset_metadata(folder)
    assert metadata["class_names"] == list(NAMES)
    assert metadata["image_shape"] == [32, 32, 3]
    assert metadata["measured"] == {"accuracy": 0.9}
    assert "accuracy: 0.9" in (folder / "README.md").read_text()


def test_the_card_of_a_model_for_any_size(tmp_path):
    model = models.build(num_classes=3, width=1 / 16, image_shape=(None, None, 3))
    folder = models.save_preset(model, tmp_path / "any", NAMES)
    assert "; images of any size, 3 classes." in (folder / "README.md").read_text()


@pytest.mark.parametrize("num_classes", [None, 5])
def test_a_preset_computes_in_float32(tmp_path, num_classes):
    """Whatever the model did, and Keras's global policy is."""
    half = models.build(num_classes=3, width=1 / 16, dtype="mixed_bfloat16")
    folder = models.save_preset(half, tmp_path / "half", NAMES)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        loaded = models.from_preset(folder, num_classes=num_classes)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {one.compute_dtype for one in loaded.layers if one.weights} == {"float32"}


def test_without_weights_they_are_drawn_anew(model, folder):
    keras.utils.set_random_seed(1)
    loaded = models.from_preset(folder, load_weights=False)
    drawn, trained = (np.asarray(m.get_layer("conv3").kernel) for m in (loaded, model))
    assert drawn.shape == trained.shape
    assert not np.allclose(drawn, trained, atol=1e-2)


def test_unknown_presets_and_folders_are_named():
    for preset in ("cifar100_att3_smal", "nowhere/at/all"):
        with pytest.raises(SettingError, match="preset.*a folder that save_preset"):
            models.from_preset(preset)


def damaged(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("storage", ["float16", "int8"])
@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_damaged_file_is_named(model, tmp_path, name, storage):
    folder = models.save_preset(model, tmp_path / "pets", NAMES, storage=storage)
    damaged(folder / name)
    with pytest.raises(SettingError, match=rf"{name}.*can't be read"):
        models.from_preset(folder)


def test_weights_of_another_model_are_refused(folder):
    other = models.build("vgg_att2_concat_pc", num_classes=3, width=1 / 8)
    other.save_weights(folder / "model.weights.h5", overwrite=True)
    with pytest.raises(SettingError, match=r"model.weights.h5.*can't be read"):
        models.from_preset(folder)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("sigmoid", "sparsemax", "one of softmax, .*Received: 'sparsemax'"),
        ("ConcatHead", "SumHead", "Could not locate class 'SumHead'"),
    ],
)
def test_what_a_preset_has_that_is_not_here_is_named(folder, ours, theirs, said):
    file = folder / "config.json"
    file.write_text(file.read_text().replace(ours, theirs))
    with pytest.raises(SettingError, match=rf"config.json.*{said}"):
        models.from_preset(folder)


def test_metadata_that_is_none(folder):
    (folder / "metadata.json").write_text(json.dumps({"class_names": "cat"}))
    with pytest.raises(SettingError, match=r"metadata.json.*class_names is no list"):
        models.preset_metadata(folder)


def test_nothing_is_overwritten_and_names_must_fit(model, folder):
    with pytest.raises(SettingError, match=r"directory.*empty or new"):
        models.save_preset(model, folder, NAMES)
    with pytest.raises(SettingError, match="class_names.*3, one.*2"):
        models.save_preset(model, folder.parent / "other", NAMES[:2])
    assert not (folder.parent / "other").exists()


def test_other_classes_on_the_trained_features(model, folder):
    tuned = models.from_preset(folder, num_classes=5)
    assert tuned.output_shape == (None, 5)
    loaded = models.from_preset(folder)
    maps, same = (models.attention_model(m)(images()) for m in (tuned, loaded))
    np.testing.assert_allclose(maps["level_13"], same["level_13"], rtol=1e-4)
    images_in = keras.Input((8, 8, 3))
    own = keras.Model(images_in, keras.layers.Flatten()(images_in))
    other = models.save_preset(own, folder.parent / "own", [str(n) for n in range(192)])
    with pytest.raises(SettingError, match="preset.*made of AttentionVGG"):
        models.from_preset(other, num_classes=5)
