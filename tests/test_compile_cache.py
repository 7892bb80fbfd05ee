"""XLA's cache folder: where it is, what wins over it, how it stays small."""

import os

import pytest

from ltpa_tf import compile_cache


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """A machine with two GPUs of one kind, and no settings of the user's."""
    for name in ("TF_XLA_FLAGS", "XLA_FLAGS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LTPA_CACHE_DIR", str(tmp_path / "cache"))
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
    assert str(folder) in os.environ["TF_XLA_FLAGS"]
    assert os.environ["XLA_FLAGS"].endswith(str(folder / "tuning"))


def test_the_users_own_flags_win_and_stay(gpus, monkeypatch):
    mine = "--tf_xla_persistent_cache_directory=/mine"
    monkeypatch.setenv("TF_XLA_FLAGS", mine)
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=2")
    compile_cache.enable(gpus)
    assert os.environ["TF_XLA_FLAGS"] == mine
    first, second = os.environ["XLA_FLAGS"].split()
    assert first == "--xla_gpu_autotune_level=2"
    assert second.startswith("--xla_gpu_per_fusion_autotune_cache_dir=")


@pytest.mark.parametrize("why", ["no gpu", "switched off", "not writable"])
def test_nothing_is_set_where_there_is_no_cache(gpus, tmp_path, monkeypatch, why):
    if why == "no gpu":
        gpus = tmp_path / "none"
    elif why == "switched off":
        monkeypatch.setenv("LTPA_CACHE_DIR", "")
    else:
        (tmp_path / "cache").write_text("a file in its place")
    assert compile_cache.enable(gpus) is None
    assert "TF_XLA_FLAGS" not in os.environ
    assert "XLA_FLAGS" not in os.environ


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
