"""Train what is missing of the tables in docs/results.md, each result a file.

    python -m pipelines.results --data=FOLDER --out=docs/results
    python -m pipelines.results --out=docs/results --page=docs/results.md
    python -m pipelines.results --data=FOLDER --out=again \
        --only=cifar100-vgg_att3_concat_pc --seeds=0

FOLDER holds cifar10.npz and cifar100.npz with x_train, y_train, x_test, y_test. Start
it again to go on; start it twice at once, and one compiles while the other trains.
The last command trains one result again, to be compared with the kept one: bitwise on
one device if both were trained with --set=runtime.deterministic=True.
--campaign names other trainings: `hard` sets hard attention against soft, `maps` tells
which training makes maps worth most, `presets` makes the models of `list_presets`,
`fine_tuning` tells what pretraining and attention are worth with few images, `fast`
what attention is worth in short trainings. With --runs each trained model becomes a run
folder, to be evaluated, explained, exported.
"""

import ast
import math
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from ltpa_tf import config as configuration
from ltpa_tf.configs import fast, fine_tuning, hard, maps, presets, results
from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program
from ltpa_tf.words import count, nearest, one_of

_CAMPAIGNS = {
    "results": results,
    "hard": hard,
    "maps": maps,
    "presets": presets,
    "fine_tuning": fine_tuning,
    "fast": fast,
}
_CAMPAIGN = flags.DEFINE_enum(
    "campaign", "results", list(_CAMPAIGNS), "Which trainings: a file of configs."
)
_DATA = flags.DEFINE_string(
    "data", None, "The folder of the .npz files; without it nothing is trained."
)
_OUT = flags.DEFINE_string("out", None, "The folder of the results.")
_ONLY = flags.DEFINE_list("only", [], "Names of trials; default: all.")
_SEEDS = flags.DEFINE_list("seeds", [], "Seeds, instead of each trial's own.")
_EPOCHS = flags.DEFINE_integer(
    "epochs",
    0,
    "Epochs, instead of the recipe's own; warm-up takes no more than half of them.",
)
_SETTINGS = flags.DEFINE_multi_string(
    "set",
    [],
    "KEY=VALUE changes a setting of all trials; their results then belong "
    "into a folder of their own.",
)
_PAGE = flags.DEFINE_string("page", None, "Write the tables of --out to this file.")
_MINUTES = flags.DEFINE_float("minutes", 1e9, "Begin no training that would end later.")
_RUNS = flags.DEFINE_string("runs", None, "A folder for run folders of the models.")
_OF_TRAINING = (_ONLY, _SEEDS, _EPOCHS, _SETTINGS, _MINUTES, _RUNS)
flags.mark_flag_as_required("out")


def main(argv: Sequence[str]) -> None:
    """Trains what is missing and writes the page."""
    del argv
    if not (_DATA.value or _PAGE.value):
        raise SettingError("--data", None, "a folder to train on, or --page=FILE")
    for flag in () if _DATA.value else _OF_TRAINING:
        if flag.value != flag.default:
            raise SettingError(
                f"--{flag.name}", flag.value, "--data beside it: it is of trainings"
            )
    if _PAGE.value and (
        Path(_PAGE.value).is_dir() or not Path(_PAGE.value).parent.is_dir()
    ):
        raise SettingError("--page", _PAGE.value, "a file in a folder that is there")
    if _DATA.value:
        _train()
    if _PAGE.value:
        _write_page()


def _write_page() -> None:
    from ltpa_tf.files import write_text
    from ltpa_tf.results import campaign, table

    trials = _CAMPAIGNS[_CAMPAIGN.value]
    found = campaign.read_results(Path(_OUT.value))
    if not {r["trial"] for r in found} & {t.name for t in trials.TRIALS}:
        raise SettingError(
            "--out", _OUT.value, f"a folder with results of {_CAMPAIGN.value}"
        )
    text = table.page(found, trials.TRIALS, trials.PUBLISHED, trials.QUESTIONS)
    write_text(Path(_PAGE.value), f"{trials.INTRODUCTION}\n{text}")


def _train() -> None:
    from ltpa_tf.files import make_folder
    from ltpa_tf.results import campaign

    if math.isnan(_MINUTES.value) or _MINUTES.value < 0:
        raise SettingError("--minutes", _MINUTES.value, "0 or more")
    if _RUNS.value:
        make_folder(Path(_RUNS.value), "--runs")
    seeds = [_whole(seed) for seed in _SEEDS.value]
    trials = _CAMPAIGNS[_CAMPAIGN.value]
    work = campaign.select(trials.WORK, _ONLY.value, seeds)
    runs = Path(_RUNS.value) if _RUNS.value else None
    missing = campaign.check(work, Path(_OUT.value), _config, runs=runs)
    left = sum(len(seeds) for _, seeds in missing)
    print(f"missing: {count(left, 'training')}", flush=True)
    campaign.run(
        missing,
        Path(_OUT.value),
        _config,
        minutes=_MINUTES.value,
        runs=runs,
        say=lambda line: print(line, flush=True),
    )


def _config(trial):
    """The trial's config on the data in --data, as the flags change it."""
    trials = _CAMPAIGNS[_CAMPAIGN.value]
    config = trials.get_config(trial.name)
    trials.put_data(config, trial, Path(_DATA.value))
    file = Path(config.data.dir)
    if not file.is_file():
        raise SettingError("--data", _DATA.value, f"a folder with {file.name}")
    if _EPOCHS.value:
        config.train.epochs = _EPOCHS.value
        config.optimizer.warmup_epochs = min(
            config.optimizer.warmup_epochs, max(_EPOCHS.value, 0) / 2
        )
    for setting in _SETTINGS.value:
        _set(config, setting)
    return config


def _set(config, setting: str) -> None:
    """Changes the config by one KEY=VALUE."""
    key, _, text = setting.partition("=")
    known = configuration.flat(config)
    if key == "seed":
        raise SettingError("--set", setting, "--seeds instead")
    if key not in known:
        accepted = one_of(nearest(key, known)) or "a key of configs/common.py"
        raise SettingError("--set", setting, f"KEY=VALUE, with KEY {accepted}")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    part, _, name = key.rpartition(".")
    kind = (config[part] if part else config).get_type(name)
    if kind is tuple and value not in (None, "") and not isinstance(value, tuple):
        # As --config.KEY=VALUE has it: 13, and names without quotes.
        value = tuple(value.split(",")) if isinstance(value, str) else (value,)
    try:
        config.update_from_flattened_dict({key: value})
    except (TypeError, ValueError):
        raise SettingError(
            "--set", setting, f"a value of type {kind.__name__}"
        ) from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise SettingError(
            "--seeds", text, "whole numbers from 0 to 2**32 - 1, such as 0,1,2"
        )
    return int(text)


def cli() -> None:
    """The command `ltpa-results`."""
    program.run(main)


if __name__ == "__main__":
    cli()
