"""Predictions in this process, from a model and from its export."""

import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import Predictor


@pytest.fixture(scope="module")
def exported(base):
    return Predictor.from_saved_model(base)


@pytest.fixture
def files(images, encode, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        path.write_bytes(encode(image))
    return paths


def test_model_export_array_and_file_agree(build, class_names, exported, images, files):
    of_model = Predictor.from_model(build(), class_names)
    answers = [
        of_model.predict(images),
        of_model.predict_files(files),
        exported.predict(images),
        exported.predict_files(files, batch=2),
    ]
    assert [len(one) for one in answers] == [5] * 4
    for predictions in zip(*answers, strict=True):
        first = predictions[0]
        for other in predictions[1:]:
            assert other.names == first.names
            np.testing.assert_allclose(
                other.probabilities, first.probabilities, rtol=0, atol=1e-6
            )
            for level in (2, 4):
                np.testing.assert_allclose(
                    other.maps[level], first.maps[level], rtol=0, atol=1e-6
                )


def test_a_prediction_says_name_probability_and_maps(exported, images, class_names):
    one = exported.predict(images[:1])[0]
    assert one.name == class_names[int(np.argmax(one.probabilities))]
    assert one.probability == max(one.probabilities)
    assert [name for name, _ in one.top()] == list(one.names)
    assert {level: each.shape for level, each in one.maps.items()} == {
        2: (32, 32),
        4: (16, 16),
    }
    assert {each.shape for each in one.image_maps.values()} == {(32, 32)}


def test_without_maps(exported, images):
    assert exported.predict(images[:1], maps=False)[0].maps == {}


def test_what_a_model_would_misread_is_refused(exported, misread):
    images, said = misread
    with pytest.raises(SettingError, match=said):
        exported.predict(images)


def test_whole_numbers_of_any_type_are_taken(exported, images):
    (expected,) = exported.predict(images[:1])
    (found,) = exported.predict(images[:1].astype(np.float32))
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_a_bad_file_is_named(exported, files):
    files[3].write_text("not an image")
    with pytest.raises(SettingError, match=r"3\.png.*no image"):
        exported.predict_files(files)


def test_a_missing_file_is_named(exported, tmp_path):
    with pytest.raises(SettingError, match=r"gone\.png"):
        exported.predict_files([tmp_path / "gone.png"])


def test_a_folder_without_export(tmp_path):
    with pytest.raises(SettingError, match=r"export\.py"):
        Predictor.from_saved_model(tmp_path)


@pytest.mark.parametrize(
    "damaged",
    ["saved_model.pb", "variables/variables.index", "variables/variables.data-*"],
)
def test_a_damaged_export_is_named(base, tmp_path, damaged):
    folder = shutil.copytree(base / "1", tmp_path / "1")
    (file,) = folder.glob(damaged)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(
        SettingError, match=f"--saved_model: .*{re.escape(str(folder))}"
    ) as caught:
        Predictor.from_saved_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_export_of_another_program(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: {"y": x}, [tf.TensorSpec((None,))])
    tf.saved_model.save(module, tmp_path, signatures={"serving_default": module.f})
    with pytest.raises(SettingError, match="--saved_model: .*'serving_bytes'"):
        Predictor.from_saved_model(tmp_path)
