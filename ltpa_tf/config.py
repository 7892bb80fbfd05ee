"""The checks of a config, its paths made whole, and its JSON form.

A config is an `ml_collections.ConfigDict` with the keys of `configs/common.py`, which
holds every default. The dict itself, once locked, refuses unknown keys and wrong
types; here are ranges and combinations.
"""

import inspect
import json
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ml_collections import ConfigDict

from ltpa_tf import models
from ltpa_tf.errors import SettingError, settings_of
from ltpa_tf.images import Preprocessing
from ltpa_tf.old_configs import renewed
from ltpa_tf.stores import is_remote
from ltpa_tf.words import one_of, text_of

if TYPE_CHECKING:
    from ltpa_tf.data import Source

_POSITIVE = (lambda v: v > 0, "a number above 0")
_NOT_NEGATIVE = (lambda v: v >= 0, "0 or more")
_FRACTION = (lambda v: 0 <= v < 1, "0 or more, and below 1")

_RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "seed": (lambda v: 0 <= v < 2**32, "0 to 2**32 - 1"),
    "data.train_examples": _NOT_NEGATIVE,
    "data.validation_examples": _NOT_NEGATIVE,
    "data.validation_share": _FRACTION,
    "data.image_size": (lambda v: v == 0 or v >= 32, "0 (as it is), or 32 and more"),
    "data.largest_image_size": (lambda v: v == 0 or v >= 32, "0 (off), or 32 and more"),
    "augment.crop": _NOT_NEGATIVE,
    "augment.cutout": _NOT_NEGATIVE,
    "augment.least_area": (lambda v: 0 <= v <= 1, "0 to 1"),
    "augment.sharpness": _NOT_NEGATIVE,
    "augment.cutmix": _NOT_NEGATIVE,
    "augment.cutmix_share": (lambda v: 0 <= v <= 1, "0 to 1"),
    "augment.mixup": _NOT_NEGATIVE,
    "augment.randaugment_layers": _NOT_NEGATIVE,
    "augment.randaugment_magnitude": (lambda v: 0 <= v <= 10, "0 to 10"),
    "model.width": _POSITIVE,
    "model.receptive_field": (lambda v: 0 <= v <= 1, "0 to 1"),
    "model.logit_scale": _POSITIVE,
    "model.dropout": _FRACTION,
    "model.projection_epsilon": _POSITIVE,
    "train.frozen_epochs": (lambda v: v >= -1, "-1 (all), or 0 and more"),
    "train.unfreeze_epochs": _NOT_NEGATIVE,
    "train.epochs": (lambda v: v >= 1, "1 or more"),
    "train.batch_size": (lambda v: v >= 1, "1 or more"),
    "train.label_smoothing": _FRACTION,
    "train.samples": (lambda v: v >= 1, "1 or more"),
    "train.reward_weight": _NOT_NEGATIVE,
    "train.entropy_weight": _NOT_NEGATIVE,
    "train.clip_norm": _NOT_NEGATIVE,
    "train.accumulation_steps": (lambda v: v >= 1, "1 or more"),
    "train.small_size": _NOT_NEGATIVE,
    "train.small_share": (lambda v: 0 < v <= 1, "above 0, up to 1"),
    "train.gradient_checkpointing": _NOT_NEGATIVE,
    "train.ema": _FRACTION,
    "train.early_stopping": _NOT_NEGATIVE,
    "train.teacher_weight": (lambda v: 0 < v <= 1, "above 0, up to 1"),
    "optimizer.learning_rate": _POSITIVE,
    "optimizer.momentum": _FRACTION,
    "optimizer.muon_factor": _POSITIVE,
    "optimizer.bias_lr_multiplier": _POSITIVE,
    "optimizer.backbone_lr_multiplier": _POSITIVE,
    "optimizer.stage_lr_multiplier": _POSITIVE,
    "optimizer.weight_decay": _NOT_NEGATIVE,
    "optimizer.warmup_epochs": _NOT_NEGATIVE,
    "optimizer.step_epochs": (lambda v: v >= 1, "1 or more"),
    "optimizer.step_factor": (lambda v: 0 < v <= 1, "above 0, up to 1"),
    "optimizer.step_first": _NOT_NEGATIVE,
    "optimizer.step_rises": _NOT_NEGATIVE,
    "checkpoint.every_steps": _NOT_NEGATIVE,
    "checkpoint.every_minutes": _NOT_NEGATIVE,
    "checkpoint.keep": (lambda v: v >= 1, "1 or more"),
    "runtime.steps_per_call": _NOT_NEGATIVE,
    "log.images": _NOT_NEGATIVE,
    "log.every_seconds": _POSITIVE,
    "log.profile_start": _NOT_NEGATIVE,
    "log.profile_steps": _NOT_NEGATIVE,
}

_CHOICES: dict[str, tuple[str, ...]] = {
    "data.placement": ("auto", "resident", "stream"),
    "train.class_weights": ("none", "balanced"),
    "train.reward": ("likelihood", "correct"),
    "model.initial_values": ("keras", "torch"),
    "model.preprocessing": models.PREPROCESSING,
    "optimizer.decay_mode": ("decoupled", "coupled"),
    "optimizer.decay_on": ("kernels", "all"),
    "optimizer.schedule": ("cosine", "step", "triangular", "constant"),
    "runtime.strategy": ("auto", "none", "mirrored", "multi_worker", "tpu"),
    "runtime.jit": ("auto", "on", "off"),
    "runtime.precision": ("float32", "mixed_bfloat16", "mixed_float16"),
}

_OF_BACKBONE = {"backbone": "", "backbone_weights": "", "preprocessing": "auto"}
_OF_TRUNK = {
    **dict.fromkeys(("trunk", "tap", "gates", "depth", "global_feature", "padding")),
    **{"initial_values": "keras", "width": 1.0, "receptive_field": 0.0},
}
_OF_LEVELS = (
    *("tap", "compatibility", "normalization", "match", "score_scale", "descriptor"),
    "positions",
)


def validate(config: ConfigDict) -> None:
    """Checks every setting that can be checked without the data.

    Raises:
        SettingError: Naming the first key that is missing or can't be used.
    """
    for key, (accepts, accepted) in _RANGES.items():
        value = _get(config, key)
        if not accepts(value):
            raise SettingError(key, value, accepted)
        if math.isinf(value):
            raise SettingError(key, value, f"{accepted}, and finite")
    for key, choices in _CHOICES.items():
        value = _get(config, key)
        if value not in choices:
            raise SettingError(key, value, one_of(choices))
    if config.augment.cutmix and config.augment.mixup:
        raise SettingError(
            "augment.mixup",
            config.augment.mixup,
            f"0 while augment.cutmix is {config.augment.cutmix}: one of the two",
        )
    if config.optimizer.warmup_epochs > config.train.epochs:
        raise SettingError(
            "optimizer.warmup_epochs",
            config.optimizer.warmup_epochs,
            f"at most train.epochs, which is {config.train.epochs}",
        )
    with settings_of("data"):
        Preprocessing(
            _get(config, "data.aspect"),
            _get(config, "data.background"),
            _get(config, "data.window"),
        )
    if config.train.unfreeze_epochs and config.train.frozen_epochs <= 0:
        raise SettingError(
            "train.unfreeze_epochs",
            config.train.unfreeze_epochs,
            f"0 while train.frozen_epochs is {config.train.frozen_epochs}: it counts "
            "from the end of these",
        )
    if config.log.profile_steps and not config.log.tensorboard:
        raise SettingError(
            "log.profile_steps",
            config.log.profile_steps,
            "0 while log.tensorboard is off: a profile is a part of its events",
        )
    with settings_of("model"):
        if config.model.backbone:
            _check_backbone(config)
        else:
            _check_no_backbone(config)
            models.resolve(config.model.name, **_chosen(config))
        _check_effect(config)


def with_absolute_paths(config: ConfigDict) -> ConfigDict:
    """A copy that means the same files in whatever folder a program is started."""
    config = config.copy_and_resolve_references()
    of_models = ("init_from", "teacher")
    paths = [(config.data, "dir"), *((config.train, name) for name in of_models)]
    if config.model.backbone.endswith(".keras"):
        paths.append((config.model, "backbone"))
    if config.model.backbone_weights != "imagenet":
        paths.append((config.model, "backbone_weights"))
    for part, name in paths:
        named = name in of_models and part[name] in models.list_presets()
        # A bucket's is whole already.
        if part[name] and not is_remote(part[name]) and not named:
            part[name] = os.path.abspath(os.path.expanduser(part[name]))  # noqa: PTH100, PTH111
    return config


def model_arguments(
    config: ConfigDict, image_size: tuple[int, int] | None = None
) -> dict:
    """The complete architecture arguments of the class of `config.model`.

    Settings left at None take the row's value. `validate` checks the values.

    Args:
        config: The whole config.
        image_size: (height, width), which `model.receptive_field` chooses levels by;
            None: while it isn't known, they are the row's.

    Raises:
        SettingError: If there is no such row or argument.
    """
    share = config.model.receptive_field
    with settings_of("model"):
        arguments = models.arguments(config.model.name, **_chosen(config))
        chosen_by_row = arguments.get("levels") and config.model.levels is None
        chosen_by_row = chosen_by_row and "trunk" in arguments
        if share and image_size and chosen_by_row:
            arguments["levels"] = models.levels_within(arguments, share, image_size)
    return arguments


def backbone_arguments(config: ConfigDict) -> dict:
    """The arguments of `models.attach` for `config.model`, with a backbone.

    The row gives the form of attention and the number of resolutions.
    """
    row = models.arguments(config.model.name, **_chosen(config))
    names = inspect.signature(models.attach).parameters
    arguments = {name: value for name, value in row.items() if name in names}
    if config.model.levels is None and row["levels"]:
        arguments |= {"levels": None, "resolutions": len(row["levels"])}
    return arguments | {"preprocessing": config.model.preprocessing}


def check_batch(config: ConfigDict, replicas: int) -> None:
    """Refuses a batch that can't be dealt out evenly.

    Raises:
        SettingError: Naming the batch size.
    """
    unit = replicas * config.train.accumulation_steps
    reason = f"{replicas} replicas"
    if config.train.accumulation_steps > 1:
        reason += f", each {config.train.accumulation_steps} parts"
    mixing = config.augment.cutmix or config.augment.mixup
    if mixing and config.train.accumulation_steps % 2:
        unit *= 2
        reason += ", of pairs that CutMix or MixUp mix"
    if config.train.batch_size % unit:
        raise SettingError(
            "train.batch_size",
            config.train.batch_size,
            f"a multiple of {unit} ({reason})",
        )


def check_small_size(config: ConfigDict, side: int, least: int = 1) -> None:
    """Refuses small images that aren't, or have fewer than `least` pixels a side.

    Args:
        config: The whole config.
        side: The shorter side of the images.
        least: What the model needs.

    Raises:
        SettingError: Naming `train.small_size`.
    """
    size = config.train.small_size
    if size and not least <= size < side:
        choice = f"0, or {least} to {side - 1}" if least < side else "0"
        raise SettingError(
            "train.small_size",
            size,
            f"{choice}: the model needs {least} pixels a side, and the images have "
            f"{side}",
        )


def check_early_stopping(config: ConfigDict, source: "Source") -> None:
    """Refuses to stop by a validation part that isn't there.

    Raises:
        SettingError: Naming `train.early_stopping`.
    """
    if config.train.early_stopping and source.validation is None:
        raise SettingError(
            "train.early_stopping",
            config.train.early_stopping,
            f"0: {source.name} has no validation part to stop by, and "
            f"data.validation_examples is {config.data.validation_examples}",
        )


def to_json(config: ConfigDict) -> str:
    """The config as indented JSON text with sorted keys."""
    return json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n"


def from_json(text: str) -> ConfigDict:
    """The locked config that `to_json` wrote, of this version or an earlier one."""
    return ConfigDict(_with_tuples(renewed(json.loads(text)))).lock()


def differences(
    left: ConfigDict, right: ConfigDict
) -> list[tuple[str, object, object]]:
    """`(key, left, right)` for every setting that differs, in sorted order."""
    first, second = flat(left), flat(right)
    missing = "(not there)"
    return [
        (key, first.get(key, missing), second.get(key, missing))
        for key in sorted(first | second)
        if first.get(key, missing) != second.get(key, missing)
    ]


def flat(config: ConfigDict, prefix: str = "") -> dict[str, object]:
    """Every setting by its whole key, such as `"model.levels"`."""
    settings = {}
    for key, value in config.items():
        if isinstance(value, ConfigDict):
            settings |= flat(value, f"{prefix}{key}.")
        else:
            settings[prefix + key] = value
    return settings


def printable(config: ConfigDict) -> dict[str, object]:
    """`flat`, in text that everyone takes: paths need not be UTF-8."""
    settings = flat(config).items()
    return {k: text_of(v) if isinstance(v, str) else v for k, v in settings}


def _chosen(config: ConfigDict) -> dict:
    """The architecture arguments that differ from the row's."""
    others = {"name", "receptive_field", "initial_values", *_OF_BACKBONE}
    row = models.rows().get(config.model.name, {})
    # These are always set, and not every row has them.
    always = {"batch_norm", "dropout", "logit_scale", "projection_epsilon"}
    others |= always - set(row)
    return {k: v for k, v in config.model.items() if k not in others and v is not None}


def _check_backbone(config: ConfigDict) -> None:
    """What can be checked of a backbone without making it."""
    models.check_backbone_name(config.model.backbone, config.model.backbone_weights)
    row = models.arguments(config.model.name)
    if row.get("gates") or "levels" not in row:
        raise SettingError(
            "name",
            config.model.name,
            f"a row of attention to levels alone, while model.backbone is "
            f"{config.model.backbone!r}",
        )
    models.check_values(backbone_arguments(config))
    for key, unset in _OF_TRUNK.items():
        if config.model[key] != unset:
            raise SettingError(
                key,
                config.model[key],
                f"{unset!r} while model.backbone is {config.model.backbone!r}: it is "
                "of a row's own trunk",
            )
    for level in config.model.levels or ():
        if not isinstance(level, int | str):
            raise SettingError("levels", level, "strides or names of layers")


def _check_no_backbone(config: ConfigDict) -> None:
    """Refuses what says something about a backbone where there is none."""
    for key, unset in _OF_BACKBONE.items():
        if config.model[key] != unset:
            raise SettingError(
                key,
                config.model[key],
                f"{unset!r} while model.backbone is '': it is of a backbone",
            )


def _check_effect(config: ConfigDict) -> None:
    """Refuses what would change nothing in a model of this row."""
    model = config.model
    row = models.arguments(model.name, **_chosen(config))
    if config.train.deep_supervision and row.get("head") != "indep":
        accepted = "'indep' with train.deep_supervision: a classifier for each level"
        raise SettingError("head", row.get("head"), accepted)
    levels = row.get("levels", True)  # RAM has none, and none of their settings
    if model.receptive_field and not (model.levels or ("trunk" in row and levels)):
        accepted = f"0.0 while model.name is {model.name!r}: it has no trunk's levels"
        raise SettingError("receptive_field", model.receptive_field, accepted)
    for key in () if levels else _OF_LEVELS:
        if model[key] is not None:
            raise SettingError(key, model[key], "None without levels: it is of these")


def _get(config: ConfigDict, key: str):
    value = config
    for part in key.split("."):
        if part not in value:
            raise SettingError(key, "nothing", "a config with every key of common.py")
        value = value[part]
    return value


def _with_tuples(value):
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
