"""A run folder is written whole or not at all, and read with clear errors."""

import json

import keras
import pytest

from ltpa_tf import config as config_lib
from ltpa_tf import files, run
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError


def test_reads_the_config_that_was_written(tmp_path):
    folder = run.RunFolder(tmp_path / "run")
    folder.create()
    config = common.get_config()
    files.write_text(folder.config_file, config_lib.to_json(config))
    assert config_lib.differences(folder.read_config(), config) == []


def test_a_folder_without_a_run(tmp_path):
    folder = run.RunFolder(tmp_path)
    with pytest.raises(SettingError, match=r"--workdir: .*no config\.json"):
        folder.read_config()
    with pytest.raises(SettingError, match=r"--workdir: .*no config\.json"):
        folder.load_model()
    files.write_text(folder.config_file, config_lib.to_json(common.get_config()))
    with pytest.raises(SettingError, match="start train.py on it again"):
        folder.load_model()
    with pytest.raises(SettingError, match="final, best"):
        folder.load_model("last")


def test_a_place_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="--workdir: .*written to"):
        run.RunFolder(tmp_path / "file" / "run").create()


def _model_with_flipped_bytes(file):
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(file)
    # Still a whole archive, but its checksum isn't right any more.
    return file.read_bytes().replace(b"registered", b"rEgistered")


@pytest.mark.parametrize("flipped", [False, True])
def test_a_damaged_file_is_named_in_one_line(tmp_path, flipped):
    folder = run.RunFolder(tmp_path)
    content = b"PK\x03\x04 not a model"
    if flipped:
        content = _model_with_flipped_bytes(folder.model_file)
    folder.model_file.write_bytes(content)
    folder.dataset_file.write_text('{"name": "dig')
    for file, read in (
        (folder.model_file, folder.load_model),
        (folder.dataset_file, folder.read_dataset),
    ):
        with pytest.raises(SettingError) as caught:
            read()
        assert str(caught.value).startswith(f"{file}: expected ")
        assert "\n" not in str(caught.value)


DATASET = {
    "name": "digits",
    "fingerprint": "abc",
    "class_names": ["0", "1"],
    "image_shape": [8, 8, 3],
}


@pytest.mark.parametrize("content", [[], None, 3, {}, DATASET | {"class_names": "01"}])
@pytest.mark.parametrize("name", ["config", "dataset", "summary"])
def test_json_of_another_structure_is_damage(tmp_path, name, content):
    folder = run.RunFolder(tmp_path)
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(content))
    read = getattr(folder, f"read_{name}")
    with pytest.raises(SettingError, match=f"{name}.json: .*: .* can't be read"):
        read()


@pytest.mark.parametrize("name", ["checkpoints", "events"])
def test_a_file_where_a_folder_belongs(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(SettingError, match=f"expected .*written to.*{name}'"):
        run.RunFolder(tmp_path).create()


def test_a_folder_that_can_not_be_looked_into(tmp_path):
    # As without permission, which root always has: the system refuses to say.
    folder = run.RunFolder(tmp_path / ("long" * 100))
    for look in (
        lambda: folder.exists(folder.config_file),
        folder.read_config,
        folder.load_model,
    ):
        with pytest.raises(SettingError, match="--workdir.* can be read"):
            look()
