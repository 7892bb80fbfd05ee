"""At which rate, and from when on, the stages of a trained trunk move."""

import keras
from ml_collections import ConfigDict

from ltpa_tf import models


def tunes(config: ConfigDict) -> bool:
    """Whether weights of the trunk move at other times or rates than the others."""
    train, optimizer = config.train, config.optimizer
    factors = (optimizer.backbone_lr_multiplier, optimizer.stage_lr_multiplier)
    return train.frozen_epochs != 0 or factors != (1.0, 1.0)


def learning_rates(config: ConfigDict, model: keras.Model) -> tuple[float, ...]:
    """What the learning rate of each trainable variable is multiplied by."""
    top = config.optimizer.backbone_lr_multiplier
    fall = config.optimizer.stage_lr_multiplier
    return tuple(
        1.0 if depth is None else top * fall**depth for depth in _depths(model)
    )


def first_steps(
    config: ConfigDict, model: keras.Model, steps_per_epoch: int
) -> tuple[int, ...]:
    """The step from which on each trainable variable moves."""
    frozen = max(0, config.train.frozen_epochs)
    each = config.train.unfreeze_epochs
    return tuple(
        0 if depth is None else (frozen + depth * each) * steps_per_epoch
        for depth in _depths(model)
    )


def _depths(model: keras.Model) -> list[int | None]:
    """Of each trainable variable, how many stages its own is below the last one.

    None for what is of no stage: attention and head.
    """
    found = models.stages(model)
    depth = {
        id(variable): len(found) - 1 - number
        for number, stage in enumerate(found)
        for layer in stage
        for variable in layer.trainable_variables
    }
    return [depth.get(id(variable)) for variable in model.trainable_variables]
