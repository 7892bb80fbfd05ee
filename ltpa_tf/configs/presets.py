r"""The trainings of the models that come with the package, see `models.list_presets`.

    python -m pipelines.results --campaign=presets --data=FOLDER \
        --out=docs/results/presets --runs=runs/presets
    python -m pipelines.export --format=preset --quantize=int8 \
        --workdir=runs/presets/NAME --export_dir=ltpa_tf/presets/PRESET

FOLDER holds cifar10.npz, cifar100.npz and tiny32.npz: Tiny ImageNet at 32 pixels, with
boxes (`boxes_test`). The numbers on a card are those of the weights as stored: it was
exported, `models.transfer_weights(model, models.from_preset(PRESET))` put the rounded
weights into the run's model, and this was evaluated and exported again.

One of them as an ordinary run:

    python -m pipelines.train --workdir=runs/small --config.data.dir=cifar100.npz \
        --config=configs/presets.py:cifar100-vgg_att3_concat_pc-small
"""

from pathlib import Path

from ml_collections import ConfigDict

from ltpa_tf.configs import recipes
from ltpa_tf.results.campaign import Trial, named

_CUTMIX = {"augment.cutmix": 1.0, "augment.cutmix_share": 0.5}
# Zeros beyond the border draw a level's maps to the image's corners.
_REFLECT = {**_CUTMIX, "model.padding": "reflect"}
# What CIFAR-100's flagship of docs/results.md has beyond that.
_DEEP = {
    **_REFLECT,
    "augment.randaugment_layers": 1,
    "augment.randaugment_magnitude": 5,
    "train.deep_supervision": True,
    "train.label_smoothing": 0.0,
}
# As wide as 12 and 6 MB allow with a byte a weight.
_CIFAR100 = {"model.width": 0.75, "train.epochs": 200}
_CIFAR10 = {"model.width": 0.5, "train.epochs": 180}
_TINY = {"model.width": 0.75, "train.epochs": 100}
_TINY_REFLECT = {
    **_REFLECT,
    "model.width": 0.875,
    "train.epochs": 120,
    "data.match_sharpness": True,
    # Chosen on 5,000 held-out training images, after 60 epochs at 0.75 of the
    # width (docs/results/presets/choosing): 50.3%. CutMix on every image gave
    # 49.7%, both 50.0.
    "optimizer.weight_decay": 0.01,
}
_ATT2, _ATT3 = "vgg_att2_concat_pc", "vgg_att3_concat_pc"

TRIALS: tuple[Trial, ...] = (
    Trial("cifar100", _ATT3, "small", {**_CUTMIX, **_CIFAR100}),
    Trial("cifar10", _ATT2, "small", {**_CUTMIX, **_CIFAR10}),
    Trial("tinyimagenet", _ATT3, "small", {**_CUTMIX, **_TINY}),
    Trial("cifar100", _ATT3, "small-reflect", {**_REFLECT, **_CIFAR100}),
    Trial("cifar10", _ATT2, "small-reflect", {**_REFLECT, **_CIFAR10}),
    Trial("tinyimagenet", _ATT3, "small-reflect", _TINY_REFLECT),
    Trial("cifar100", "vgg_att3_indep_pc", "small-deep", {**_DEEP, **_CIFAR100}),
    # Learns from the reflected one beside the labels (arXiv 1503.02531, 1805.04770): in
    # 8 bits that was `tinyimagenet_att3_small` then, which this one has replaced since.
    Trial(
        "tinyimagenet",
        _ATT3,
        "small-taught",
        {
            **_TINY_REFLECT,
            "train.epochs": 110,
            "train.teacher": "tinyimagenet_att3_small",
            "train.teacher_weight": 0.7,
        },
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
    return config_of(named(TRIALS, argument))


def config_of(trial: Trial) -> ConfigDict:
    """The modern recipe on all images of an `.npz`, as the trial changes it."""
    config = recipes.small_images(trial.row, trial.row)
    config.data.name = "npz"
    config.data.validation_examples = 0
    config.update_from_flattened_dict(dict(trial.settings))
    return config


def put_data(config: ConfigDict, trial: Trial, folder: Path) -> None:
    """Points the config at the trial's file in this folder."""
    file = "tiny32" if trial.data == "tinyimagenet" else trial.data
    config.data.dir = str(folder / f"{file}.npz")
