"""At which rate, and from when on, the stages of a trained trunk move."""

import keras

from ltpa_tf import models


def learning_rates(model: keras.Model, top: float, fall: float) -> tuple[float, ...]:
    """What the learning rate of each trainable variable is multiplied by.

    Args:
        model: With stages, see `models.stages`, unless both numbers are 1.
        top: Of the trunk's last stage.
        fall: Of each stage, times that of the one above it.

    Returns:
        A factor for each; () = 1 for all.
    """
    if top == fall == 1:
        return ()
    return tuple(
        1.0 if depth is None else top * fall**depth for depth in _depths(model)
    )


def first_steps(model: keras.Model, frozen: int, each: int) -> tuple[int, ...]:
    """The step from which on each trainable variable moves.

    Args:
        model: With stages, see `models.stages`, unless `frozen` is 0.
        frozen: The last stage's; below 1 = all variables move from the start.
        each: Steps from one stage to the one below it.

    Returns:
        A step for each; () = 0 for all.
    """
    if frozen < 1:
        return ()
    return tuple(
        0 if depth is None else frozen + depth * each for depth in _depths(model)
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
