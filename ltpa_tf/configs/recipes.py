"""The training recipes of the CIFAR-like configs, and their argument.

A config file's argument is `ROW`, or `ROW,recipe=NAME`, e.g.
`--config=configs/cifar100.py:vgg_att3_concat_pc,recipe=paper`.
"""

from ml_collections import ConfigDict

from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError
from ltpa_tf.words import one_of


def small_images(argument: str, default_row: str) -> ConfigDict:
    """The config of one row of the paper with one of its recipes."""
    row, recipe = parse(argument, default_row)
    config = common.get_config()
    config.model.name = row
    config.data.validation_examples = 5000
    _RECIPES[recipe](config)
    return config


def fast(
    name: str, epochs: int, warmup_epochs: float, label_smoothing: float
) -> ConfigDict:
    """Towards the paper's accuracy in seconds, with a trunk that learns fast."""
    config = common.get_config()
    config.data.name = name
    config.augment.crop = 4
    config.augment.flip = True
    config.augment.cutout = 8
    config.model.name = "vgg_att2_concat_pc"
    config.model.trunk = "fast"
    config.model.levels = (6, 9)
    config.model.projection = "linear"
    config.model.logit_scale = 0.5
    config.model.dropout = 0.0
    config.train.epochs = epochs
    config.train.batch_size = 512
    config.train.small_size = 24
    config.train.label_smoothing = label_smoothing
    config.optimizer.name = "sgd_muon"
    config.optimizer.muon_factor = 0.3
    config.optimizer.learning_rate = 0.4
    config.optimizer.bias_lr_multiplier = 64.0
    config.optimizer.schedule = "triangular"
    config.optimizer.warmup_epochs = warmup_epochs
    config.optimizer.weight_decay = 1.3e-2
    config.runtime.precision = "mixed_bfloat16"
    return config


def parse(argument: str, default_row: str) -> tuple[str, str]:
    """Takes `"ROW,recipe=NAME"` apart; either part may be missing.

    Raises:
        SettingError: If the recipe is unknown or the argument has other parts.
    """
    row, recipe = default_row, "modern"
    for part in filter(None, argument.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            row = part
        elif key == "recipe":
            recipe = value
        else:
            raise SettingError("--config", part, "ROW or ROW,recipe=NAME after the :")
    if recipe not in _RECIPES:
        raise SettingError("recipe", recipe, one_of(_RECIPES))
    return row, recipe


def _modern(config: ConfigDict) -> None:
    """What trains well today: short, large batches, smoothing, no dropout."""
    config.augment.crop = 4
    config.augment.flip = True
    config.model.dropout = 0.0
    config.train.epochs = 60
    config.train.batch_size = 512
    config.train.label_smoothing = 0.1
    config.optimizer.learning_rate = 0.3
    config.optimizer.warmup_epochs = 5.0
    config.runtime.precision = "mixed_bfloat16"


def _paper(config: ConfigDict) -> None:
    """Section 5.1 and the authors' code, with Torch's meanings put into Keras's.

    docs/paper.md says what the paper leaves unsaid, and what still differs.
    """
    config.augment.flip = True
    config.augment.flip_anew = True
    config.model.initial_values = "torch"
    config.model.projection_epsilon = 1e-5
    config.train.epochs = 300
    config.train.batch_size = 128
    config.train.gradient_averaging = True
    config.optimizer.learning_rate = 0.1
    config.optimizer.nesterov = False
    config.optimizer.weight_decay = 5e-4
    config.optimizer.decay_mode = "coupled"
    config.optimizer.decay_on = "all"
    config.optimizer.schedule = "step"
    config.optimizer.step_first = 24
    config.data.validation_examples = 0


_RECIPES = {"modern": _modern, "paper": _paper}
