"""Folders whose home is in a store, without a training."""

import contextlib
import functools
import os
import sys
import threading

import numpy as np
import pytest

from ltpa_tf import remote, stores
from ltpa_tf.checkpoints import Checkpoints
from ltpa_tf.errors import CheckpointError, SettingError
from ltpa_tf.run import RunFolder

opened = functools.partial(remote.opened, setting="--workdir")
ENDS = ("json", "npz")


def train(place, steps, keep=2):
    """What a training writes."""
    checkpoints = Checkpoints(place.path / "checkpoints", keep)
    for step in steps:
        arrays = {"weights": np.full(100, step)}
        checkpoints.save(step, arrays, {"of": step})
        place.saved()


class Dies:
    """A store that can't be written to any more after so many writes."""

    def __init__(self, store, writes):
        self._store, self._left = store, writes

    def __getattr__(self, name):
        if name in ("put_file", "rm_file"):
            self._left -= 1
            if self._left < 0:
                raise OSError("the process was killed")
        return getattr(self._store, name)


@pytest.mark.parametrize("keep", [1, 2])
def test_an_upload_that_ends_at_any_moment_leaves_a_whole_checkpoint(
    s3, bucket, tmp_path, keep
):
    found = []
    for writes in range(12):
        url = f"{bucket}/{writes}"
        with opened(url) as place:
            train(place, [1], keep)
            place.upload()
        with (
            contextlib.suppress(CheckpointError),
            opened(url) as place,
        ):
            (place.path / "best.keras").write_bytes(b"of 2")
            place._store = Dies(place._store, writes)
            train(place, [2, 3], keep)
            place.upload()
        folder = s3.fetch(url, tmp_path / str(writes))
        arrays, rest = Checkpoints(folder / "checkpoints", keep).latest()
        assert (arrays["weights"] == rest["of"]).all()
        if rest["of"] > 1:  # which knows of the best model
            assert (folder / "best.keras").exists()
        found.append(rest["of"])
    assert found == sorted(found) and (found[0], found[-1]) == (1, 3)


def test_a_checkpoint_of_the_same_step_is_never_half_of_each(s3, bucket, tmp_path):
    for writes in range(6):
        url = f"{bucket}/{writes}"
        with opened(url) as place:
            train(place, [1, 2])
            place.upload()
        with (
            contextlib.suppress(CheckpointError),
            opened(url) as place,
        ):
            place._store = Dies(place._store, writes)
            checkpoints = Checkpoints(place.path / "checkpoints", keep=2)
            checkpoints.save(2, {"weights": np.zeros(7)}, {"of": 0})
            place.upload()
        said = []
        folder = s3.fetch(url, tmp_path / str(writes)) / "checkpoints"
        arrays, rest = Checkpoints(folder, 2, said.append).latest()
        assert (arrays["weights"] == rest["of"]).all()
        assert not said  # none is damaged


def test_what_is_written_during_an_upload_is_uploaded_next(s3, bucket, tmp_path):
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Dies):
        def __getattr__(self, name):
            if name == "put_file":
                begun.set()
                assert go_on.wait(60)
            return getattr(self._store, name)

    with opened(bucket) as place:
        place._store = Slow(place._store, 0)
        train(place, [1])
        assert begun.wait(60)
        train(place, [2, 3, 4])  # 1 and 2 are removed here before they are there
        go_on.set()
        place.upload()
    arrays, _ = Checkpoints(s3.fetch(bucket, tmp_path) / "checkpoints", 2).latest()
    assert (arrays["weights"] == 4).all()
    kept = [f"checkpoints/step-0000000{step}.{end}" for step in (3, 4) for end in ENDS]
    assert s3.names(bucket) == sorted(kept)


def test_who_begins_last_owns_the_folder(s3, bucket):
    with (
        opened(bucket) as first,
        pytest.raises(CheckpointError, match="Another process has begun"),
        first.claimed(),
    ):
        train(first, [1])
        first.upload()
        with opened(bucket) as second, second.claimed():
            assert Checkpoints(second.path / "checkpoints", 2).steps() == [1]
            train(second, [2])
        train(first, [7])
        first.upload()
    assert "checkpoints/step-00000007.json" not in s3.names(bucket)
    assert "checkpoints/step-00000002.json" in s3.names(bucket)


def test_who_has_lost_the_folder_at_its_end_says_so_and_leaves_it(s3, bucket):
    with contextlib.ExitStack() as stack, opened(bucket) as first:
        lost = pytest.raises(CheckpointError, match="Another process has begun")
        with lost, first.claimed():
            second = stack.enter_context(opened(bucket))
            stack.enter_context(second.claimed())
            (first.path / "summary.json").write_text("{}")
        train(second, [2])
        second.upload()
    assert s3.names(bucket) == [f"checkpoints/step-00000002.{end}" for end in ENDS]


def test_a_store_that_fails_for_a_while_ends_no_training(s3, bucket, capfd):
    with opened(bucket) as place:
        store, place._store = place._store, Dies(place._store, 0)
        train(place, [1])
        with pytest.raises(
            CheckpointError, match="What is missing there is in"
        ) as info:
            place.upload()
        assert "the next checkpoint tries again" in capfd.readouterr().err
        place._store = store
        train(place, [2])
        place.upload()
    assert len(s3.names(bucket)) == 4
    assert str(place.path.parents[2]) in str(info.value)
    assert not place.path.exists()


def test_what_could_not_be_uploaded_stays_here(s3, bucket):
    with pytest.raises(CheckpointError), opened(bucket) as place:
        place._store = Dies(place._store, 0)
        train(place, [1])
        place.upload()
    assert Checkpoints(place.path / "checkpoints", 2).steps() == [1]


def test_no_name_leads_out_of_the_folder(s3, bucket):
    root = bucket.removeprefix("s3://")
    for name in ("../out", "a/../../out", "/out", ".hidden", "in/file"):
        s3.store().pipe_file(f"{root}/{name}", b"")
    with opened(bucket) as place:
        files = [file for file in place.path.rglob("*") if file.is_file()]
        assert [str(file.relative_to(place.path)) for file in files] == ["in/file"]


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("s4://bucket/run", "s3://BUCKET/FOLDER, gs://BUCKET/FOLDER"),
        ("file:///runs/mine", "s3://BUCKET/FOLDER, gs://BUCKET/FOLDER"),
        ("s3://", "s3://BUCKET/FOLDER"),
        ("s3://no-such-bucket/run", "can be read"),
        ("hdfs://namenode/run", "hdfs"),
    ],
)
def test_a_store_that_cannot_be_used_is_a_sentence(s3, url, accepted):
    with pytest.raises(SettingError, match=accepted) as info, opened(url):
        pass
    assert str(info.value).startswith("--workdir: expected ")
    assert str(info.value).endswith(f"Received: '{url}'")


def test_a_driver_that_is_missing_is_named(monkeypatch):
    for name in ("pyarrow", "pyarrow.fs"):
        monkeypatch.setitem(sys.modules, name, None)
    extra = r"pip install 'ltpa_tf\[hdfs\]'"
    with pytest.raises(SettingError, match=extra), opened("hdfs://host/run"):
        pass


def test_without_credentials_it_is_a_sentence(s3, bucket, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr("s3fs.S3FileSystem.cachable", False)
    with pytest.raises(SettingError, match="credentials"), opened(bucket):
        pass


def test_no_folder_of_this_machine_is_called_like_a_store():
    for path in ("s3://bucket/run", "gs:/bucket/run", "S3://bucket/run"):
        with pytest.raises(SettingError, match="a path of this machine"):
            RunFolder(path)
    for path in ("/runs/s3", "runs/a:b/c", "s3", "s3:run"):
        assert stores.local(path, "--workdir").parts


def test_a_folder_that_tensorflow_could_not_write_to_is_named():
    path = os.fsdecode(b"runs/caf\xe9")
    refused = pytest.raises(SettingError, match=r"UTF-8.*Received: 'runs/caf")
    with refused, opened(path):
        pass
