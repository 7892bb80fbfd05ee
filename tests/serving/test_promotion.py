"""A promotion that is cut off leaves nothing that a server would see."""

import shutil

import pytest

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import server_files, versions

LABELS = {"stable": 1, "canary": 2}


@pytest.fixture
def exports(tmp_path):
    """Two versions, of the second of which a file can't be copied."""
    for version in (1, 2):
        folder = tmp_path / "exports" / str(version)
        folder.mkdir(parents=True)
        (folder / versions.SAVED_MODEL).write_text(f"model {version}")
    (tmp_path / "exports" / "2" / "lost").symlink_to("nowhere")
    return tmp_path / "exports"


def test_all_versions_are_there_or_none(exports, tmp_path):
    target = tmp_path / "volume"
    with pytest.raises(shutil.Error, match="lost"):
        serving.promote(exports, LABELS, copy_to=target, check=False)
    assert not list(target.iterdir())
    (exports / "2" / "lost").unlink()
    assert serving.promote(exports, LABELS, copy_to=target, check=False) == LABELS
    for version, folder in versions.list_versions(target).items():
        assert (folder / versions.SAVED_MODEL).read_text() == f"model {version}"


def test_labels_that_cannot_be_read_are_told_before_a_copy(exports, tmp_path):
    target = tmp_path / "volume"
    target.mkdir()
    (target / server_files.MODELS).write_text("broken {")
    with pytest.raises(SettingError, match="protobuf text format"):
        serving.promote(exports, {"stable": 1}, copy_to=target, check=False)
    assert [one.name for one in target.iterdir()] == [server_files.MODELS]
