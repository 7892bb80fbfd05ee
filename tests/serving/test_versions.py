"""Versions: numbered, written aside, never overwritten."""

import os
import subprocess
import sys

import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import versions


def add(base, version):
    with versions.new_version(base, version) as aside:
        (aside / "saved_model.pb").write_text(str(version))


def test_the_next_version_follows_the_highest(tmp_path):
    assert versions.free_version(tmp_path, None) == 1
    for version in (1, 2, 10):
        add(tmp_path, version)
    assert list(versions.list_versions(tmp_path)) == [1, 2, 10]
    assert versions.free_version(tmp_path, None) == 11
    assert versions.latest_version(tmp_path).name == "10"
    assert versions.latest_version(tmp_path / "2").name == "2"


def test_what_is_no_version_is_ignored(tmp_path):
    for name in ("notes", "-3", "1.5", "²", "7"):  # 7 holds no model
        (tmp_path / name).mkdir()
    add(tmp_path, 3)
    assert list(versions.list_versions(tmp_path)) == [3]


def test_a_version_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), versions.new_version(tmp_path, 1) as aside:
        (aside / "saved_model.pb").write_text("half")
        assert versions.list_versions(tmp_path) == {}
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_has_begun_goes_after_a_day(tmp_path):
    kill = f"""
import os, signal
from ltpa_tf.serving import versions
with versions.new_version({str(tmp_path)!r}, 7) as aside:
    (aside / "variables").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", kill])
    (left,) = tmp_path.iterdir()
    (tmp_path / ".7-of-mine").mkdir()
    add(tmp_path, 1)
    assert left.exists()  # it might still be written
    with versions.new_version(tmp_path, 2) as other:
        for folder in tmp_path.iterdir():
            if folder != other:
                os.utime(folder, (0, 0))
        add(tmp_path, 3)
    found = sorted(folder.name for folder in tmp_path.iterdir())
    assert found == [".7-of-mine", "1", "2", "3"]


def test_an_existing_version_is_never_overwritten(tmp_path):
    add(tmp_path, 1)
    with pytest.raises(SettingError, match="2"):
        versions.free_version(tmp_path, 1)
    with pytest.raises(SettingError):  # another process was faster
        add(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


@pytest.mark.parametrize("version", [0, -1, "1", 1.5])
def test_versions_are_positive_integers(tmp_path, version):
    with pytest.raises(SettingError, match="positive integer"):
        versions.free_version(tmp_path, version)


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="written to"):
        add(tmp_path / "file", 1)


def test_a_server_of_another_user_can_read_it(tmp_path):
    add(tmp_path, 1)
    assert (tmp_path / "1").stat().st_mode & 0o055 == 0o055


def test_old_versions_go_and_labelled_ones_stay(tmp_path):
    for version in range(1, 6):
        add(tmp_path, version)
    assert versions.remove_old(tmp_path, keep=0) == []
    assert versions.remove_old(tmp_path, keep=2, spare=[1]) == [2, 3]
    assert list(versions.list_versions(tmp_path)) == [1, 4, 5]


def test_nothing_exported_yet(tmp_path):
    with pytest.raises(SettingError, match="saved_model"):
        versions.latest_version(tmp_path)
