import errno
import json
import resource
import shutil

import numpy as np
import pytest

from ltpa_tf.checkpoints import Checkpoints
from ltpa_tf.errors import CheckpointError


def arrays(value):
    return {
        "a": np.full((3, 4), value, np.float32),
        "b": np.array(value, np.int64),
        "local": np.zeros((2, 0), np.float32),
    }


@pytest.fixture
def said():
    return []


@pytest.fixture
def checkpoints(tmp_path, said):
    return Checkpoints(tmp_path / "checkpoints", keep=2, say=said.append)


def test_gives_back_exactly_what_was_saved(checkpoints):
    assert checkpoints.latest() is None
    checkpoints.save(7, arrays(7), {"step": 7, "best": 0.5})
    found, rest = checkpoints.latest()
    assert rest == {"step": 7, "best": 0.5}
    for name, value in arrays(7).items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_keeps_the_newest(checkpoints, tmp_path):
    for step in (1, 2, 3, 10):
        checkpoints.save(step, arrays(step), {})
    assert checkpoints.steps() == [10, 3]
    assert len(list((tmp_path / "checkpoints").iterdir())) == 4


def flip_a_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut_in_half(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("damage", [flip_a_byte, cut_in_half, lambda f: f.unlink()])
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_damaged_one_is_passed_over_and_said(
    checkpoints, tmp_path, said, damage, suffix
):
    checkpoints.save(1, arrays(1), {"step": 1})
    checkpoints.save(2, arrays(2), {"step": 2})
    damage(tmp_path / "checkpoints" / f"step-00000002{suffix}")
    found, rest = checkpoints.latest()
    assert rest == {"step": 1}
    np.testing.assert_array_equal(found["a"], arrays(1)["a"])
    if (tmp_path / "checkpoints/step-00000002.json").exists():
        assert len(said) == 1
        assert "step 2 is damaged" in said[0]
        assert "step 1 instead" in said[0]
    checkpoints.save(2, arrays(5), {"step": 2})  # and is replaced by a good one
    np.testing.assert_array_equal(checkpoints.latest()[0]["a"], arrays(5)["a"])


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: [],
        lambda manifest: None,
        lambda manifest: {},
        lambda manifest: manifest | {"bytes": "many"},
        lambda manifest: manifest | {"rest": [1]},
    ],
)
def test_a_manifest_changed_by_hand_is_damage(checkpoints, tmp_path, said, change):
    checkpoints.save(1, arrays(1), {"step": 1})
    checkpoints.save(2, arrays(2), {"step": 2})
    manifest = tmp_path / "checkpoints/step-00000002.json"
    manifest.write_text(json.dumps(change(json.loads(manifest.read_text()))))
    assert checkpoints.latest()[1] == {"step": 1}
    assert "step 2 is damaged" in said[0]


def test_a_copy_made_by_hand_is_no_checkpoint(checkpoints, tmp_path):
    checkpoints.save(1, arrays(1), {"step": 1})
    for kind in ("json", "npz"):
        file = tmp_path / f"checkpoints/step-00000001.{kind}"
        shutil.copy(file, file.with_stem("step-00000001 (copy)"))
    assert checkpoints.steps() == [1]
    checkpoints.save(2, arrays(2), {"step": 2})
    assert checkpoints.latest()[1] == {"step": 2}


def test_none_left_is_an_error(checkpoints, tmp_path, said):
    checkpoints.save(1, arrays(1), {})
    flip_a_byte(tmp_path / "checkpoints/step-00000001.npz")
    with pytest.raises(CheckpointError, match="No checkpoint .* can be read"):
        checkpoints.latest()
    assert "no older one" in said[0]


def test_leftovers_of_a_killed_save_are_ignored_and_removed(checkpoints, tmp_path):
    checkpoints.save(1, arrays(1), {"step": 1})
    folder = tmp_path / "checkpoints"
    (folder / ".step-00000002.npz.123").write_bytes(b"half")
    shutil.copy(folder / "step-00000001.npz", folder / "step-00000003.npz")
    assert checkpoints.latest()[1] == {"step": 1}
    checkpoints.save(4, arrays(4), {})
    assert sorted(file.name for file in folder.iterdir()) == [
        f"step-{step:08d}.{kind}" for step in (1, 4) for kind in ("json", "npz")
    ]


def test_hidden_folders_of_others_are_left_alone(checkpoints, tmp_path):
    hidden = tmp_path / "checkpoints/.ipynb_checkpoints/notes"
    hidden.mkdir(parents=True)
    checkpoints.save(1, arrays(1), {"step": 1})
    assert checkpoints.latest()[1] == {"step": 1}
    assert hidden.exists()


def test_full_disk_leaves_the_older_one_intact(small_disk):
    assert_older_one_survives(small_disk / "checkpoints", "No space left")


def test_refused_write_leaves_the_older_one_intact(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        assert_older_one_survives(tmp_path, "File too large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def assert_older_one_survives(folder, reason):
    said = []
    checkpoints = Checkpoints(folder, keep=2, say=said.append)
    checkpoints.save(1, arrays(1), {"step": 1})
    large = arrays(2) | {"large": np.ones((2 << 20,), np.uint8)}
    with pytest.raises(CheckpointError, match=f"step 2 .*{reason}.*step 1 is intact"):
        checkpoints.save(2, large, {"step": 2})
    assert checkpoints.steps() == [1]
    assert checkpoints.latest()[1] == {"step": 1}
    assert len(list(folder.iterdir())) == 2
    assert not said


def test_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file" / "checkpoints", keep=1)
    with pytest.raises(CheckpointError, match="there is none") as caught:
        checkpoints.save(1, arrays(1), {})
    assert caught.value.__cause__.errno == errno.ENOTDIR
