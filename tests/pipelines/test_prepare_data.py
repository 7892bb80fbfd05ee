import numpy as np
import pytest

from ltpa_tf.data import load


def test_writes_a_set_that_load_finds(start_anew, tmp_path):
    images = np.random.RandomState(0).randint(0, 256, (6, 32, 32, 3)).astype(np.uint8)
    file = tmp_path / "my images.npz"
    np.savez(file, x_train=images, y_train=np.arange(6) % 2)
    folder = tmp_path / "data sets"
    done = start_anew(
        "prepare_data", f"--source={file}", "--name=mine", f"--data_dir={folder}"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(folder / "mine" / "1.0.0")
    np.testing.assert_array_equal(load("mine", dir=str(folder)).train.array, images)


def test_a_mistake_is_a_sentence(start, tmp_path):
    missing = tmp_path / "nowhere.tar.gz"
    done = start("prepare_data", f"--source={missing}", "--name=cifar10")
    assert done.returncode == 2
    assert "nowhere.tar.gz" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flag", "wanted", "missing"),
    [
        ("--classes=cat,dog", "--name=pets", "--npz"),
        ("--held_out", "--name=pets", "--npz"),
        ("--data_dir=sets", "--npz=few.npz", "--name"),
    ],
)
def test_a_flag_that_would_do_nothing_is_told(start, flag, wanted, missing):
    done = start("prepare_data", "--source=all.npz", wanted, flag)
    assert done.returncode == 2
    name = flag.partition("=")[0]
    assert f"{name}: expected nothing, without {missing}. " in done.stderr


def test_help_says_what_can_be_read(start):
    done = start("prepare_data", "--help")
    for text in ("--source", "--name", "--data_dir", "CIFAR", ".npz", "one subfolder"):
        assert text in done.stdout
