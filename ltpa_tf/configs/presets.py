r"""The trainings of the models that come with the package, see `models.list_presets`.

    python -m pipelines.results --campaign=presets --data=FOLDER \
        --out=docs/results/presets --runs=runs/presets
    python -m pipelines.export --format=preset --quantize=int8 \
        --workdir=runs/presets/NAME --export_dir=ltpa_tf/presets/PRESET

FOLDER holds cifar10.npz, cifar100.npz and tiny32.npz: Tiny ImageNet at 32 pixels, with
boxes (`boxes_test`). One of them as an ordinary run:

    python -m pipelines.train --workdir=runs/small --config.data.dir=cifar100.npz \
        --config=configs/presets.py:cifar100-vgg_att3_concat_pc-small
"""

from pathlib import Path

from ml_collections import ConfigDict

from ltpa_tf.configs import recipes
from ltpa_tf.results.campaign import Trial, named

_CUTMIX = {"augment.cutmix": 1.0, "augment.cutmix_share": 0.5}

# As wide as 12 and 6 MB allow with a byte a weight.
TRIALS: tuple[Trial, ...] = (
    Trial(
        "cifar100",
        "vgg_att3_concat_pc",
        "small",
        {**_CUTMIX, "model.width": 0.75, "train.epochs": 200},
    ),
    Trial(
        "cifar10",
        "vgg_att2_concat_pc",
        "small",
        {**_CUTMIX, "model.width": 0.5, "train.epochs": 180},
    ),
    Trial(
        "tinyimagenet",
        "vgg_att3_concat_pc",
        "small",
        {**_CUTMIX, "model.width": 0.75, "train.epochs": 100},
    ),
)
WORK: tuple[tuple[Trial, tuple[int, ...]], ...] = tuple((t, (0,)) for t in TRIALS)

INTRODUCTION = """\
# The presets' trainings

Each model after its last epoch; the test part is looked at once, then. Made of the
result files by

    python -m pipelines.results --campaign=presets --out=FOLDER --page=FILE
"""
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {}
QUESTIONS: tuple[tuple[str, str, str], ...] = ()


def get_config(argument: str = TRIALS[0].name) -> ConfigDict:
    """The config of the trial of this name."""
    trial = named(TRIALS, argument)
    config = recipes.small_images(trial.row, trial.row)
    config.data.name = "npz"
    config.data.validation_examples = 0
    config.update_from_flattened_dict(dict(trial.settings))
    return config


def put_data(config: ConfigDict, trial: Trial, folder: Path) -> None:
    """Points the config at the trial's file in this folder."""
    file = "tiny32" if trial.data == "tinyimagenet" else trial.data
    config.data.dir = str(folder / f"{file}.npz")
