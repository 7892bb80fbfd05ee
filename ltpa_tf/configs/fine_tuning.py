r"""What pretraining and attention are worth with 50 training images a class.

    pip install '.[imagenet]'
    python -m pipelines.prepare_data --source=FOLDER/cifar100.npz \
        --npz=FOLDER/cifar100_few.npz --classes=aquatic_mammals,fish --per_class=50
    python -m pipelines.results --campaign=fine_tuning --data=FOLDER \
        --out=docs/results/fine_tuning

Ten classes of CIFAR-100, those of its first two superclasses; none of them is a class
of CIFAR-10, whose preset `cifar10_att2_small` gives the pretrained trunk. Attention and
mean pooling stand on the same trunk, half the paper's width, and either starts from the
preset's weights or from none; all of it is trained, for the same number of epochs. So
do both on another network, EfficientNet-Lite0 with ImageNet's weights or without, whose
images are enlarged to 96 pixels.

Learning rates were chosen, of 0.003, 0.01, 0.03 and 0.1 for each trial, on the training
images that are left over, which the first command writes with `--held_out` as the test
part into a folder of its own (docs/results/fine_tuning/choosing, one seed).

    python -m pipelines.results --campaign=fine_tuning --data=CHOOSING --seeds=0 \
        --out=runs/rate_0.1 --set=optimizer.learning_rate=0.1

One of them as an ordinary run; `train --preset` is the same for data of your own:

    python -m pipelines.train --workdir=runs/few --config.data.dir=cifar100_few.npz \
        --config=configs/fine_tuning.py:cifar100_few-vgg_att2_concat_pc-tuned
"""

from pathlib import Path

from ml_collections import ConfigDict

from ltpa_tf.configs import recipes
from ltpa_tf.results.campaign import Trial, named

_DATA = "cifar100_few"
_ATT2 = "vgg_att2_concat_pc"
# The mean of the last level's features, and the head that attention has.
_MEAN, _HEAD = "vgg_gap", {"model.projection": "paper"}
_TUNED = {"train.init_from": "cifar10_att2_small"}
# Attention at three resolutions of it, and the mean of its last features.
_ATT3, _PLAIN = "vgg_att3_concat_pc", "vgg_none"
_LITE = {
    "model.backbone": "efficientnetlite0",
    "model.width": 1.0,
    "data.image_size": 96,
    "augment.crop": 0,
    "augment.least_area": 0.35,
}
# As in own_folder.py: what the network has learned is adapted slowly.
_IMAGENET = {
    **_LITE,
    "model.backbone_weights": "imagenet",
    "model.projection": "linear",
    "train.freeze_batch_norm": True,
    "optimizer.backbone_lr_multiplier": 0.1,
}

_RATE = "optimizer.learning_rate"
TRIALS: tuple[Trial, ...] = (
    Trial(_DATA, _ATT2, "scratch", {_RATE: 0.003}),
    Trial(_DATA, _MEAN, "scratch", {_RATE: 0.01, **_HEAD}),
    Trial(_DATA, _ATT2, "tuned", {_RATE: 0.01, **_TUNED}),
    Trial(_DATA, _MEAN, "tuned", {_RATE: 0.01, **_HEAD, **_TUNED}),
    Trial(_DATA, _ATT3, "lite0", {_RATE: 0.03, **_LITE}),
    Trial(_DATA, _PLAIN, "lite0", {_RATE: 0.01, **_LITE}),
    Trial(_DATA, _ATT3, "lite0-imagenet", {_RATE: 0.03, **_IMAGENET}),
    Trial(_DATA, _PLAIN, "lite0-imagenet", {_RATE: 0.03, **_IMAGENET}),
)
WORK: tuple[tuple[Trial, tuple[int, ...]], ...] = tuple(
    (trial, (0, 1, 2, 3, 4)) for trial in TRIALS
)

INTRODUCTION = """\
# Fine-tuning with 50 images a class

`scratch` and `tuned` are half the paper's VGG without weights and with those of the
preset `cifar10_att2_small`; `lite0` and `lite0-imagenet` are EfficientNet-Lite0 on
images enlarged to 96 pixels, without weights and with ImageNet's, with attention at
three resolutions (`vgg_att3_concat_pc`) or the mean of its last features (`vgg_none`).

Each line is the mean and standard deviation over seeds of the model after its last
epoch; the test part is looked at once, then. All seeds have the same training images.
Up to eight trainings shared the GPU, so `seconds` are of no use here. Made of the
result files by

    python -m pipelines.results --campaign=fine_tuning --out=FOLDER --page=FILE
"""
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {}

QUESTIONS = tuple(
    (question, f"{_DATA}-{one}", f"{_DATA}-{other}")
    for question, one, other in (
        ("Pretrained over scratch (attention)?", f"{_ATT2}-tuned", f"{_ATT2}-scratch"),
        ("Pretrained over scratch (mean)?", f"{_MEAN}-tuned", f"{_MEAN}-scratch"),
        ("Attention over the mean (pretrained)?", f"{_ATT2}-tuned", f"{_MEAN}-tuned"),
        ("Attention over the mean (scratch)?", f"{_ATT2}-scratch", f"{_MEAN}-scratch"),
        (
            "ImageNet over scratch (attention)?",
            f"{_ATT3}-lite0-imagenet",
            f"{_ATT3}-lite0",
        ),
        (
            "ImageNet over scratch (mean)?",
            f"{_PLAIN}-lite0-imagenet",
            f"{_PLAIN}-lite0",
        ),
        (
            "Attention over the mean (ImageNet)?",
            f"{_ATT3}-lite0-imagenet",
            f"{_PLAIN}-lite0-imagenet",
        ),
        (
            "Attention over the mean (Lite0, scratch)?",
            f"{_ATT3}-lite0",
            f"{_PLAIN}-lite0",
        ),
    )
)


def get_config(argument: str = TRIALS[2].name) -> ConfigDict:
    """The config of the trial of this name."""
    trial = named(TRIALS, argument)
    config = recipes.small_images(trial.row, trial.row)
    config.data.name = "npz"
    config.data.validation_examples = 0
    config.model.width = 0.5
    config.train.epochs, config.train.batch_size = 200, 50
    config.update_from_flattened_dict(dict(trial.settings))
    return config


def put_data(config: ConfigDict, trial: Trial, folder: Path) -> None:
    """Points the config at the trial's file in this folder."""
    config.data.dir = str(folder / f"{trial.data}.npz")
