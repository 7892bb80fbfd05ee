"""XLA's cache folder: where it is, what wins over it, how it stays small."""

import os
import subprocess
import sys

import pytest

from ltpa_tf import compile_cache


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """Two GPUs of one kind, room on the disk, and no settings of the user's."""
    for name in ("TF_XLA_FLAGS", "XLA_FLAGS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LTPA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compile_cache, "LEAST_FREE_BYTES", 0)
    for number in ("0", "1"):
        (tmp_path / "gpus" / number).mkdir(parents=True)
        information = tmp_path / "gpus" / number / "information"
        information.write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n")
    yield tmp_path / "gpus"
    for name in ("TF_XLA_FLAGS", "XLA_FLAGS"):
        os.environ.pop(name, None)


def test_both_caches_are_in_a_folder_per_kind_of_gpu(gpus, tmp_path):
    folder = compile_cache.enable(gpus)
    assert folder.parent == tmp_path / "cache" / "ltpa_tf"
    assert folder.name.endswith("-nvidia-h100-80gb-hbm3")
    assert os.environ["TF_XLA_FLAGS"].endswith(f'="{folder}"')
    assert os.environ["XLA_FLAGS"].endswith(f'="{folder / "tuning"}"')


def test_the_users_own_flags_win_and_stay(gpus, monkeypatch):
    mine = "--tf_xla_persistent_cache_directory=/mine"
    monkeypatch.setenv("TF_XLA_FLAGS", mine)
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=2")
    compile_cache.enable(gpus)
    assert os.environ["TF_XLA_FLAGS"] == mine
    first, second = os.environ["XLA_FLAGS"].split(maxsplit=1)
    assert first == "--xla_gpu_autotune_level=2"
    assert second.startswith("--xla_gpu_per_fusion_autotune_cache_dir=")


def test_a_folder_in_the_users_home(gpus, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LTPA_CACHE_DIR", "~/mine")
    assert compile_cache.enable(gpus).parents[1] == tmp_path / "mine"
    monkeypatch.delenv("LTPA_CACHE_DIR")
    assert compile_cache.enable(gpus).parents[1] == tmp_path / ".cache"


@pytest.mark.parametrize(
    "why", ["no gpu", "switched off", "no folder", "no home", "nearly full"]
)
def test_nothing_is_set_where_there_is_no_cache(gpus, tmp_path, monkeypatch, why):
    if why == "no gpu":
        gpus = tmp_path / "none"
    elif why == "switched off":
        monkeypatch.setenv("LTPA_CACHE_DIR", "")
    elif why == "no folder":
        (tmp_path / "cache").write_text("a file in its place")
    elif why == "no home":
        monkeypatch.setenv("LTPA_CACHE_DIR", "~nobody-of-this-name/cache")
    else:
        monkeypatch.setattr(compile_cache, "LEAST_FREE_BYTES", 1 << 62)
    assert compile_cache.enable(gpus) is None
    assert "TF_XLA_FLAGS" not in os.environ
    assert "XLA_FLAGS" not in os.environ


def test_a_cache_that_cannot_be_written_to_is_not_used(gpus):
    scratch = compile_cache.enable(gpus) / "tuning" / "tmp"
    scratch.rmdir()
    scratch.symlink_to("/proc/self")  # root may write everywhere else
    assert compile_cache.enable(gpus) is None


_COMPILES = """
import tensorflow as tf
print(tf.function(lambda x: tf.sin(x @ x), jit_compile=True)(tf.ones((4, 4))))
"""


@pytest.mark.slow
def test_xla_writes_there_and_what_is_cut_off_goes(gpus, tmp_path, monkeypatch):
    monkeypatch.setenv("LTPA_CACHE_DIR", str(tmp_path / 'a "space'))
    folder = compile_cache.enable(gpus)
    done = subprocess.run([sys.executable, "-c", _COMPILES], capture_output=True)
    assert done.returncode == 0, done.stderr
    (entry,) = folder.glob("*.pb")
    compile_cache.enable(gpus)
    whole = entry.read_bytes()  # it is still there
    # Wherever it is cut off: how long its parts are differs from machine to machine.
    for size in range(len(whole)):
        entry.write_bytes(whole[:size])
        compile_cache.delete_damaged(folder)
        assert not entry.exists(), size
    # TensorFlow itself does not go on with it: the reason to look.
    entry.write_bytes(whole[:-1])
    done = subprocess.run([sys.executable, "-c", _COMPILES], capture_output=True)
    assert done.returncode != 0


def test_empty_results_of_tuning_go(gpus):
    folder = compile_cache.enable(gpus) / "tuning"
    names = ("empty.textproto", "full.textproto", "tmp/in_writing.textproto")
    empty, full, in_writing = (folder / name for name in names)
    empty.touch()
    full.write_text("run_time { nanos: 1 }")
    in_writing.touch()  # by another process, which will want to move it
    compile_cache.enable(gpus)
    assert not empty.exists()
    assert full.exists() and in_writing.exists()


def test_files_that_another_start_deletes_are_no_error(gpus, monkeypatch):
    monkeypatch.setattr(compile_cache, "MOST_BYTES", 0)
    folder = compile_cache.enable(gpus)
    # Listed, but no longer there when it is looked at.
    (folder / "xla_compile_cache__1.pb").symlink_to("gone")
    (folder / "tuning" / "abc.textproto").symlink_to("gone")
    assert compile_cache.enable(gpus) == folder


def test_files_not_used_for_longest_go_first(tmp_path):
    folder = tmp_path / "tensorflow-2.21.0-nvidia-h100"
    (folder / "tuning").mkdir(parents=True)
    new = folder / "xla_compile_cache__1__2__XLA_GPU_JIT.pb"
    middle = folder / "tuning" / "abc.textproto"
    old = folder / "xla_compile_cache__1__2__XLA_GPU_JIT.pbvm-1.tmp"
    for age, file in enumerate([new, middle, old]):
        file.write_bytes(bytes(10))
        os.utime(file, (1000 - age, 1000 - age))
    for _ in range(2):
        compile_cache.shrink(tmp_path, 25)
        assert (new.exists(), middle.exists(), old.exists()) == (True, True, False)


def test_files_of_the_users_own_stay(gpus, tmp_path, monkeypatch):
    monkeypatch.setattr(compile_cache, "MOST_BYTES", 0)
    folder = compile_cache.enable(gpus)
    places = [tmp_path / "cache", folder.parent, folder, folder / "tuning"]
    for place in places:
        (place / "thesis.txt").write_text("mine")
    made = folder / "xla_compile_cache__1.pb"
    made.write_text("XLA's")
    compile_cache.enable(gpus)
    assert not made.exists()
    assert all((place / "thesis.txt").exists() for place in places)
