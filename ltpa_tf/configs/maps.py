r"""Trainings that differ in one choice each, to see which makes maps worth most.

    python -m pipelines.results --campaign=maps --data=FOLDER \
        --out=docs/results/maps --runs=runs/maps
    python -m pipelines.evaluate --workdir=runs/maps/NAME \
        --maps=attention,evidence,gradcam --map_examples=10000

FOLDER holds tiny32.npz: Tiny ImageNet at 32 pixels, a box for every image
(`boxes_test`). A model of half the paper's width, 30 epochs, one recipe, but for the
last one. One of them as an ordinary run:

    python -m pipelines.train --workdir=runs/sigmoid --config.data.dir=tiny32.npz \
        --config=configs/maps.py:tinyimagenet-vgg_att3_concat_pc-sigmoid
"""

import dataclasses

from ml_collections import ConfigDict

from ltpa_tf.configs import presets
from ltpa_tf.results.campaign import Trial, named

_DATA = "tinyimagenet"
_ATT3 = "vgg_att3_concat_pc"
_CUTMIX = {"augment.cutmix": 1.0, "augment.cutmix_share": 0.5}

# Those files' test part is sharper than their training part.
_SHARP = {"augment.sharpness": 2.0}
# And zeros beyond the border draw the last level's maps to the corners.
_REFLECT = {**_SHARP, "model.padding": "reflect"}
# Or the test images are brought to the training images' sharpness.
_MATCHED = {"data.match_sharpness": True, "model.padding": "reflect"}
# A classifier for each level, with the average's cross-entropy or one of its own.
_DEEP = {**_MATCHED, "train.deep_supervision": True}
_DEEP_DP = {**_DEEP, "model.score_scale": 512**-0.5}
# What CIFAR-100's flagship is, as long as ten minutes of one GPU allow.
_FLAGSHIP = {
    **_DEEP_DP,
    **_CUTMIX,
    "augment.randaugment_layers": 1,
    "augment.randaugment_magnitude": 5,
    "optimizer.weight_decay": 0.01,
    "train.label_smoothing": 0.0,
    "model.width": 1.0,
    "train.epochs": 90,
}

TRIALS: tuple[Trial, ...] = (
    Trial(_DATA, _ATT3),
    Trial(_DATA, _ATT3, "cutmix", _CUTMIX),
    Trial(_DATA, _ATT3, "sigmoid", {"model.normalization": "sigmoid"}),
    Trial(_DATA, "vgg_att3_indep_pc"),
    Trial(_DATA, "vgg_att3_concat_local"),
    Trial(_DATA, "vgg_att3_concat_additive"),
    Trial(_DATA, "vgg_att2_concat_pc"),
    Trial(_DATA, _ATT3, "mixup", {"augment.mixup": 0.2}),
    Trial(_DATA, _ATT3, "dropout", {"model.dropout": 0.5}),
    Trial(_DATA, "vgg_none"),
    Trial(_DATA, _ATT3, "sharpness", _SHARP),
    Trial(_DATA, _ATT3, "reflect", _REFLECT),
    Trial(_DATA, "vgg_att3_concat_additive", "reflect", _REFLECT),
    Trial(
        _DATA, _ATT3, "reflect-sigmoid", {**_REFLECT, "model.normalization": "sigmoid"}
    ),
    Trial(_DATA, _ATT3, "reflect-cutmix", {**_REFLECT, **_CUTMIX}),
    Trial(_DATA, _ATT3, "reflect-mixup", {**_REFLECT, "augment.mixup": 0.2}),
    Trial(_DATA, "vgg_none", "reflect", _REFLECT),
    Trial(_DATA, _ATT3, "matched", _MATCHED),
    Trial(_DATA, "vgg_att3_concat_additive", "matched", _MATCHED),
    Trial(_DATA, _ATT3, "matched-cutmix", {**_MATCHED, **_CUTMIX}),
    Trial(_DATA, "vgg_att3_indep_pc", "matched", _MATCHED),
    Trial(_DATA, "vgg_att3_indep_pc", "matched-deep", _DEEP),
    Trial(_DATA, "vgg_att2_indep_dp", "matched-deep", _DEEP_DP),
    Trial(_DATA, "vgg_att2_indep_dp", "flagship", _FLAGSHIP),
)
WORK: tuple[tuple[Trial, tuple[int, ...]], ...] = tuple((t, (0,)) for t in TRIALS)

INTRODUCTION = """\
# Which training makes maps worth most

Each model after its last epoch; the test part is looked at once, then. Made of the
result files by

    python -m pipelines.results --campaign=maps --out=FOLDER --page=FILE
"""
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {}
QUESTIONS: tuple[tuple[str, str, str], ...] = ()


def get_config(argument: str = TRIALS[0].name) -> ConfigDict:
    """The config of the trial of this name."""
    trial = named(TRIALS, argument)
    short = {"model.width": 0.5, "train.epochs": 30}
    settings = {**short, **trial.settings}
    return presets.config_of(dataclasses.replace(trial, settings=settings))


put_data = presets.put_data
