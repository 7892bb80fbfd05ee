"""A search's config taken apart and checked."""

import json
from pathlib import Path

from ml_collections import ConfigDict

from ltpa_tf import config as config_lib
from ltpa_tf import files
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning.checks import check_config
from ltpa_tf.tuning.oracles import ALGORITHMS
from ltpa_tf.tuning.space import Space
from ltpa_tf.words import one_of

OBJECTIVES = ("val_accuracy", "val_loss")

_BUDGET = ("trials", "hours", "failures")
# What may be another when a search goes on: how long and how, not what, is searched.
_FREE = (*_BUDGET, "keep_models", "process_per_trial")


def split(config: ConfigDict) -> tuple[ConfigDict, ConfigDict]:
    """The config of the training and `config.search`.

    Raises:
        SettingError: If it isn't the config of a search.
    """
    if "search" not in config:
        raise SettingError(
            "--config",
            "a config without search settings",
            "a search, such as configs/tune_quickstart.py",
        )
    base = config.copy_and_resolve_references()
    with base.unlocked():
        search = base.search
        del base.search
    return base, search


def check(base: ConfigDict, search: ConfigDict) -> Space:
    """Checks everything that can be checked before the first trial.

    Args:
        base: The config of the training.
        search: `config.search`.

    Returns:
        The space.

    Raises:
        SettingError: Naming the first setting that can't be used.
    """
    check_config(base)
    for name, choices in (("algorithm", ALGORITHMS), ("objective", OBJECTIVES)):
        if search[name] not in choices:
            raise SettingError(f"search.{name}", search[name], one_of(choices))
    for name, lowest in _LOWEST.items():
        value = config_lib.flat(search)[name]
        if not value >= lowest:  # also what is no number
            raise SettingError(f"search.{name}", value, f"{lowest} or more")
    if not base.data.validation_examples and not base.data.validation_share:
        raise SettingError(
            "data.validation_examples",
            0,
            "1 or more, or data.validation_share above 0 where the data brings a "
            "validation part: trials are compared on it, never on the test part",
        )
    endless = search.algorithm in ("random", "bayesian")
    if endless and not search.trials and not search.hours:
        raise SettingError("search.trials", 0, "1 or more, or search.hours above 0")
    space = Space(search.space, base)
    _check_strategies(base, search, space)
    if search.algorithm == "hyperband":
        _check_hyperband(base, search, space)
    if search.algorithm == "grid":
        _check_grid(space)
    return space


def remember(base: ConfigDict, search: ConfigDict, file: Path) -> None:
    """Writes the search's config, or makes sure that it is the one that is there.

    Raises:
        SettingError: If the folder holds another search.
    """
    mine = {
        "config": base.to_dict(),
        "search": {k: v for k, v in search.to_dict().items() if k not in _FREE},
        "space": [item._asdict() for item in search.space],
    }
    mine["search"].pop("space")
    mine = json.loads(json.dumps(mine))
    if not file.exists():
        files.write_json(file, mine)
        return
    theirs = json.loads(file.read_text(encoding="utf-8"))
    # Data may move; a search of an earlier version lacks the settings added since.
    stored = config_lib.from_json(json.dumps(theirs["config"]))
    stored.data.dir = base.data.dir
    theirs["config"] = json.loads(config_lib.to_json(stored))
    for part in mine:
        if mine[part] != theirs[part]:
            raise SettingError(
                "--workdir",
                str(file.parent),
                "another folder: this one holds a search with "
                + _difference(part, theirs[part], mine[part]),
            )


def budget(search: ConfigDict) -> dict:
    """The limits that end a search, of trials, hours and failures, for its summary."""
    return {name: search[name] for name in _BUDGET}


def is_over(search: ConfigDict, summary_file: Path) -> bool:
    """Whether a search with this budget has ended: no trial is left to do."""
    if not summary_file.exists():
        return False
    summary = json.loads(summary_file.read_text(encoding="utf-8"))
    return summary["budget"] == budget(search)


_LOWEST = {
    "trials": 0,
    "hours": 0,
    "executions": 1,
    "median_from_epoch": 0,
    "failures": 1,
    "keep_models": 0,
    "hyperband.factor": 2,
    "hyperband.iterations": 1,
    "bayesian.initial_points": 0,
    "bayesian.exploration": 0,
}


def _check_strategies(base: ConfigDict, search: ConfigDict, space: Space) -> None:
    searched = [r.values for r in space.ranges if r.key == "runtime.strategy"]
    strategies = {base.runtime.strategy}.union(*searched)
    if "multi_worker" in strategies:
        raise SettingError(
            "runtime.strategy",
            "multi_worker",
            "auto, none, mirrored: a trial trains on one machine; more machines take "
            "more trials at a time, see docs/tuning.md",
        )
    if not search.process_per_trial and strategies != {"none"}:
        raise SettingError(
            "search.process_per_trial",
            False,
            "True unless runtime.strategy is none: of others a process has but one",
        )


def _check_hyperband(base: ConfigDict, search: ConfigDict, space: Space) -> None:
    if "train.epochs" in space.keys:
        raise SettingError(
            "search.space", "train.epochs", "other keys: Hyperband sets the epochs"
        )
    if search.median_from_epoch:
        raise SettingError(
            "search.median_from_epoch",
            search.median_from_epoch,
            "0 with search.algorithm=hyperband, which stops trials by itself",
        )
    if base.train.epochs < search.hyperband.factor:
        raise SettingError(
            "train.epochs",
            base.train.epochs,
            f"{search.hyperband.factor} or more (search.hyperband.factor): the longest "
            "trial's",
        )


def _check_grid(space: Space) -> None:
    for item in space.ranges:
        if not space.is_finite(item):
            raise SettingError(
                f"search.space: {item.key}",
                f"{item.kind}{item.values}",
                "a step, or a choice, with search.algorithm=grid",
            )


def _difference(part: str, there, here) -> str:
    if part == "space":
        return "another search.space"
    prefix = "search." if part == "search" else ""
    first, second = (config_lib.flat(ConfigDict(value)) for value in (there, here))
    for key in sorted(first | second):
        if first.get(key) != second.get(key):
            return f"{prefix}{key} = {first.get(key)!r}, and not {second.get(key)!r}"
    raise AssertionError("no difference")
