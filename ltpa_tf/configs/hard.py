r"""The trainings that set hard attention against soft.

    python -m pipelines.results --campaign=hard --data=FOLDER --out=runs/hard

FOLDER holds mnist.npz and cifar100.npz (`x_train, y_train, x_test, y_test`). On each of
the three tasks of Mnih et al., 2014 - digits on a canvas of 60x60 pixels, the same with
clutter, and clutter on 100x100 - the same VGG with soft and hard maps, without
attention, and the recurrent attention model with its two controls; and the hard maps on
CIFAR-100, whose soft ones are in `configs/results.py`.

One of them as an ordinary run, by its name:

    python -m pipelines.train --config=configs/hard.py:cluttered_mnist_60-ram \
        --workdir=runs/ram --config.data.dir=mnist.npz
"""

from pathlib import Path

from ml_collections import ConfigDict

from ltpa_tf.configs import ram, recipes
from ltpa_tf.results.campaign import Trial, named

_TASKS = ("translated_mnist_60", "cluttered_mnist_60", "cluttered_mnist_100")
# Levels of 15x15 and 7x7 positions at 60 pixels, 25x25 and 12x12 at 100.
_VGG = {"model.trunk": "vgg_d", "model.width": 0.5}
_LEVELS = {**_VGG, "model.levels": (7, 10)}
_HARD = {"model.positions": 4}
_TOPK = {"model.normalization": "topk", **_HARD}
_SAMPLED = {"model.normalization": "sampled", **_HARD}
_ON_CIFAR = {"model.positions": 16}


def _of_task(task: str) -> tuple[Trial, ...]:
    row = "vgg_att2_concat_pc"
    return (
        Trial(task, "vgg_none", "narrow", _VGG),
        Trial(task, row, "soft", _LEVELS),
        Trial(task, row, "sigmoid", {**_LEVELS, "model.normalization": "sigmoid"}),
        Trial(task, row, "topk", {**_LEVELS, **_TOPK}),
        Trial(task, row, "sampled", {**_LEVELS, **_SAMPLED}),
        Trial(task, "ram"),
        Trial(task, "ram_centre"),
        Trial(task, "ram_random"),
    )


TRIALS: tuple[Trial, ...] = (
    *(trial for task in _TASKS for trial in _of_task(task)),
    Trial("cifar100", "vgg_att3_concat_pc", "topk", {**_TOPK, **_ON_CIFAR}),
    Trial("cifar100", "vgg_att3_concat_pc", "sampled", {**_SAMPLED, **_ON_CIFAR}),
)
WORK: tuple[tuple[Trial, tuple[int, ...]], ...] = tuple(
    (trial, (0, 1, 2)) for trial in TRIALS
)

INTRODUCTION = """\
# Soft against hard

Each line is the mean and standard deviation over seeds of the model after its last
epoch; the test part is looked at once, then. Made of the result files by

    python -m pipelines.results --campaign=hard --out=FOLDER --page=FILE
"""

# Error in percent, as others report it, of the recurrent attention model.
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {
    ("translated_mnist_60", "ram"): {"tfRAM": 0.94},
    ("cluttered_mnist_60", "ram"): {"tfRAM": 2.63, "paper": 4.04},
    ("cluttered_mnist_100", "ram"): {"tfRAM": 5.9, "paper": 8.11},
}

QUESTIONS = tuple(
    (f"{question} ({task})", f"{task}-{one}", f"{task}-{other}")
    for task in _TASKS
    for question, one, other in (
        ("Top-k over soft?", "vgg_att2_concat_pc-topk", "vgg_att2_concat_pc-soft"),
        ("Sampled over soft?", "vgg_att2_concat_pc-sampled", "vgg_att2_concat_pc-soft"),
        ("Soft over no attention?", "vgg_att2_concat_pc-soft", "vgg_none-narrow"),
        ("Glimpses over soft maps?", "ram", "vgg_att2_concat_pc-soft"),
        ("Learned over random glimpses?", "ram", "ram_random"),
        ("Learned over central glimpses?", "ram", "ram_centre"),
    )
)


def get_config(argument: str = "cluttered_mnist_60-ram") -> ConfigDict:
    """The config of the trial of this name."""
    trial = named(TRIALS, argument)
    task, _, side = trial.data.rpartition("_")
    if not task:
        config = recipes.small_images(trial.row, trial.row)
        config.data.name = "cifar100"
        config.data.validation_examples = 0
        config.train.epochs = 30
        config.optimizer.weight_decay = 1e-2
    elif trial.row.startswith("ram"):
        config = ram.get_config(f"{task},{side}")
        config.model.name = trial.row
    else:
        config = recipes.small_images(trial.row, trial.row)
        config.data.update(ram.get_config(f"{task},{side}").data)
        config.augment.flip = False  # a mirrored digit is another sign
        config.train.epochs = 20
        config.optimizer.learning_rate = 0.1
    config.update_from_flattened_dict(dict(trial.settings))
    return config


def put_data(config: ConfigDict, trial: Trial, folder: Path) -> None:
    """Points the config at the trial's file in this folder."""
    if trial.data == "cifar100":
        config.data.name = "npz"
    file = "cifar100" if trial.data == "cifar100" else "mnist"
    config.data.dir = str(folder / f"{file}.npz")
