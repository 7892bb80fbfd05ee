"""Every shipped config is valid, with every row and recipe."""

from pathlib import Path

import pytest
from ml_collections.config_flags import config_flags

from ltpa_tf import config as config_lib
from ltpa_tf import configs, models
from ltpa_tf.errors import SettingError

FOLDER = Path(configs.__file__).parent
BY_ROW = ("cifar10", "cifar100", "svhn")
FILES = sorted(
    file.stem
    for file in FOLDER.glob("*.py")
    if file.stem not in ("__init__", "common", "recipes", "search")
)
CLASSES = {"cifar100": 100}


def load(file: str, argument: str = ""):
    parser = config_flags.ConfigFileFlagParser("config")
    return parser.parse(f"{FOLDER / file}.py" + (f":{argument}" if argument else ""))


@pytest.mark.parametrize("file", FILES)
def test_config_is_valid(file):
    config_lib.validate(load(file))


@pytest.mark.parametrize("file", FILES)
def test_docstring_gives_the_command(file):
    text = (FOLDER / f"{file}.py").read_text()
    assert f"configs/{file}.py" in text or f"make {file}" in text


def test_own_images_are_attended_to_on_a_backbone():
    config = load("own_folder", "mobilenetv3small")
    config_lib.validate(config)
    assert config.model.backbone == "mobilenetv3small"
    assert config.model.backbone_weights == "imagenet"
    assert load("own_folder", "mine.keras").model.backbone_weights == ""
    assert config_lib.backbone_arguments(config)["resolutions"] == 3
    with pytest.raises(SettingError, match="model.backbone: .*Received: 'mobilenet3'"):
        config_lib.validate(load("own_folder", "mobilenet3"))


@pytest.mark.parametrize("row", models.list_models())
def test_every_row_is_valid(row):
    """One file and recipe: they hand the row on, and the registry's tests build it."""
    config = load("cifar10", f"{row},recipe=paper")
    assert config.model.name == row
    config_lib.validate(config)


@pytest.mark.parametrize("recipe", ["modern", "paper"])
@pytest.mark.parametrize("file", BY_ROW)
def test_every_recipe_is_valid_and_its_model_is_built(file, recipe):
    config = load(file, f"vgg_att3_indep_dp,recipe={recipe}")
    assert config.model.name == "vgg_att3_indep_dp"
    config_lib.validate(config)
    # An eighth of the width: the graph is the same and the test is quick.
    config.model.width = 0.125
    classes = CLASSES.get(file, 10)
    arguments = config_lib.model_arguments(config)
    model = models.of_arguments(arguments, image_shape=(32, 32, 3), num_classes=classes)
    assert model.output_shape == (None, classes)
