"""A newcomer's mistakes: one sentence, before anything is trained or written."""

import numpy as np
import pytest
from PIL import Image

from ltpa_tf import training
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, files


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of images, each with another defect."""
    root = tmp_path_factory.mktemp("my images")
    for name in ("empty class", "damaged image", "one class"):
        for kind in ("cat", "dog")[: 1 if name == "one class" else 2]:
            (root / name / kind).mkdir(parents=True)
            if (name, kind) != ("empty class", "dog"):
                pixels = np.full((40, 40, 3), 99, np.uint8)
                Image.fromarray(pixels).save(root / name / kind / "1.png")
    (root / "empty").mkdir()
    whole = (root / "damaged image" / "dog" / "1.png").read_bytes()
    (root / "damaged image" / "dog" / "2.png").write_bytes(whole[:60])
    return root


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model.levels": (7, 99)}, "model.levels: expected .*1 to 13.*Received: 99"),
        ({"model.name": "vgg_att2_concat_cp"}, "model.name.*vgg_att2_concat_pc"),
        ({"train.epochs": 0}, "train.epochs: expected 1 or more.*Received: 0"),
        ({"train.batch_size": 10**6}, "train.batch_size.*expected 1 to 10000, the"),
        ({"data.train_examples": 100}, "train.batch_size: .*expected 1 to 100, the"),
        ({"data.name": "cifar10", "data.dir": "nowhere"}, "data.name.*data.download"),
        ({"data.name": "folder"}, "data.dir: .*Received: ''"),
        ({"data.name": "folder", "data.dir": "nowhere"}, "data.dir.*that exists"),
        ({"data.name": "folder", "data.dir": "empty"}, "one subfolder of images per"),
        ({"data.name": "folder", "data.dir": "empty class"}, "dog.*'an empty folder'"),
        ({"data.name": "folder", "data.dir": "one class"}, "at least 2 classes"),
        ({"data.name": "folder", "data.dir": "damaged image"}, r"dog/2\.png: expected"),
    ],
)
def test_training(folders, tmp_path, settings, said):
    config = common.get_config()
    config.update_from_flattened_dict(settings)
    if config.data.dir:
        config.data.dir = str(folders / config.data.dir)
    with pytest.raises(SettingError, match=said) as caught:
        training.train(config, tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_program_says_it_in_one_line_and_exits_with_2(start, folders, tmp_path):
    done = start(
        "train",
        "--config=configs/own_folder.py",
        f"--config.data.dir={folders / 'empty'}",
        f"--workdir={tmp_path / 'run'}",
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: data.dir: expected ")
    assert done.stderr.count("\n") == 1


def test_an_image_to_explain_that_can_not_be_read_is_named(folders):
    file = folders / "damaged image" / "dog" / "2.png"
    good = file.with_name("1.png")
    first, second = files.read_images([good, file], (32, 32), DEFAULT)
    assert first.shape == (32, 32, 3)
    with pytest.raises(SettingError, match=r"dog/2\.png: .*PNG file that can't be"):
        raise second
