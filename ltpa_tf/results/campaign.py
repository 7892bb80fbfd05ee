"""Trains what is missing of a list of trials and keeps each result as a file.

A campaign outlives any process and machine: a finished training is a JSON file, and the
next start goes on with the first one that is missing.
"""

import contextlib
import dataclasses
import fcntl
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf.errors import SettingError
from ltpa_tf.files import make_folder, write_json
from ltpa_tf.lock import only_one
from ltpa_tf.results.result_files import read_results, result_name
from ltpa_tf.run import RunFolder
from ltpa_tf.words import one_of

# Settings that say where and how, not what, is computed.
_ELSEWHERE = ("data.dir", "data.name", "data.placement", "data.download")
_ELSEWHERE += ("checkpoint.", "log.", "runtime.strategy", "runtime.steps_per_call")

Work = Sequence[tuple["Trial", Sequence[int]]]


@dataclasses.dataclass(frozen=True)
class Trial:
    """One line of a table.

    Attributes:
        data: The data set's name.
        row: Of `ltpa_tf.models.list_models()`.
        variant: What tells it from the row itself; `""` is the row as it is.
        settings: The settings that do, by their whole keys.
        recipe: Of `configs/recipes.py`, or "fast".
    """

    data: str
    row: str
    variant: str = ""
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict)
    recipe: str = "modern"

    @property
    def name(self) -> str:
        """Such as `cifar100-vgg_att3_concat_pc-sigmoid`."""
        return "-".join(filter(None, (self.data, self.row, self.variant)))


def named(trials: Sequence[Trial], name: str) -> Trial:
    """The trial of this name.

    Raises:
        SettingError: If there is none.
    """
    for trial in trials:
        if trial.name == name:
            return trial
    raise SettingError("--config", name, one_of(t.name for t in trials))


def result_file(folder: Path, trial: Trial, seed: int) -> Path:
    """Where a trial's result from one seed is kept."""
    return folder / result_name(trial.name, seed)


def select(work: Work, only: Sequence[str], seeds: Sequence[int]) -> Work:
    """The part of the work that was asked for.

    Args:
        work: All of it.
        only: Names of trials; none = all.
        seeds: Seeds instead of the list's own; none = those.

    Raises:
        SettingError: A name that no trial has.
    """
    names = [trial.name for trial, _ in work]
    for name in only:
        if name not in names:
            raise SettingError("--only", name, one_of(dict.fromkeys(names)))
    return [
        (trial, tuple(dict.fromkeys(seeds)) or own)
        for trial, own in work
        if not only or trial.name in only
    ]


def check(
    work: Work,
    folder: Path,
    make_config: Callable[[Trial], ConfigDict],
    *,
    runs: Path | None = None,
) -> list[tuple[Trial, list[int]]]:
    """What of the work is missing in the folder.

    Args:
        work: What is wanted.
        folder: Where results are kept.
        make_config: The config of a trial, with its data.
        runs: Where the models of the missing trainings will be kept, if anywhere.

    Raises:
        SettingError: A config that can't be used, data that can't be trained on, or a
            file or run folder that isn't the result of this config and data for the
            trial and seed it is called after.
    """
    make_folder(folder, "--out")
    stored = {(r["trial"], r["seed"]): r for r in read_results(folder)}
    missing, known = [], set()
    for trial, seeds in work:
        config = make_config(trial)
        configuration.validate(config)
        for seed in seeds:
            result = stored.get((trial.name, seed))
            if result is None:
                continue
            for key, there, here in differences(result["config"], config):
                raise SettingError(
                    str(result_file(folder, trial, seed)),
                    f"a result of {key} = {there!r}",
                    f"{key} = {here!r}",
                )
        left = [
            seed
            for seed in seeds
            if (trial.name, seed) not in known and (trial.name, seed) not in stored
        ]
        known.update((trial.name, seed) for seed in seeds)
        if left:
            missing.append((trial, left))
        for seed in left if runs is not None else ():
            _check_run(_run_folder(runs, trial, seed), config)
    _check_data([trial for trial, _ in missing], folder, stored.values(), make_config)
    return missing


def _run_folder(runs: Path, trial: Trial, seed: int) -> RunFolder:
    return RunFolder(runs / f"{trial.name}-seed{seed}")


def _check_run(folder: RunFolder, config: ConfigDict) -> None:
    """Refuses to replace a run of another config."""
    if not folder.exists(folder.config_file):
        return
    for key, there, here in differences(folder.read_config().to_dict(), config):
        raise SettingError(
            "--runs",
            str(folder.path),
            f"another folder: this one holds a run with {key} = {there!r}, and not "
            f"{here!r}",
        )


def _check_data(
    trials: Sequence[Trial],
    folder: Path,
    stored: Iterable[dict],
    make_config: Callable[[Trial], ConfigDict],
) -> None:
    """Refuses data that a trial can't be trained on, or that others weren't."""
    from ltpa_tf.results import seed_trainer

    sources = {}
    for trial in trials:
        config = make_config(trial)
        key = config.data.to_json()
        if key not in sources:
            sources[key] = seed_trainer.load(config)
        seed_trainer.check(config, sources[key])
        for result in stored:
            other = result["fingerprint"] != sources[key].fingerprint
            if other and result.get("data") == trial.data:
                raise SettingError(
                    str(folder / result_name(result["trial"], result["seed"])),
                    f"a result on other images than those of {config.data.dir}",
                    "results on the same data in one folder",
                )


def differences(stored: dict, config: ConfigDict) -> list[tuple[str, object, object]]:
    """`(key, there, here)` of the settings that a result depends on."""
    then = configuration.from_json(json.dumps(stored))
    return [
        (key, there, here)
        for key, there, here in configuration.differences(then, config)
        if not key.startswith((*_ELSEWHERE, "seed"))
    ]


def run(
    missing: Sequence[tuple[Trial, Sequence[int]]],
    folder: Path,
    make_config: Callable[[Trial], ConfigDict],
    *,
    minutes: float = float("inf"),
    runs: Path | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Trains what is missing, a compiled step for all seeds of a trial.

    Several processes can work on one folder: each takes trials that no other has, and
    one compiles while another trains; they train in turns.

    Args:
        missing: As `check` returned it.
        folder: Where results are kept.
        make_config: The config of a trial, with its data.
        minutes: No training is begun that would take longer than what is left of them.
        runs: Where each trained model is kept as a run folder, `TRIAL-seedN`; None =
            nowhere.
        say: Takes a line for the user.
    """
    end = time.monotonic() + 60 * minutes
    longest = 0.0
    for trial, seeds in missing:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(only_one(folder, trial.name, "free"))
            except SettingError:
                say(f"{trial.name}: left to another process, which has begun it")
                continue
            seeds = [s for s in seeds if not result_file(folder, trial, s).exists()]
            if not seeds or time.monotonic() + longest > end:
                continue
            trainer, common = _prepared(trial, make_config(trial), seeds)
            say(f"{trial.name}: compiled in {common['compile_seconds']:.0f} s")
            for seed in seeds:
                with _turn(folder):
                    if time.monotonic() + longest > end:
                        return
                    result = trainer.train(seed)
                    result |= trainer.measured()
                longest = max(longest, result["seconds"])
                if runs is not None:
                    trainer.save(_run_folder(runs, trial, seed), result)
                # Last: what has this file is never trained again.
                write_json(result_file(folder, trial, seed), {**common, **result})
                say(
                    f"{trial.name}, seed {seed}: {result['test']['top1']:.2%} in "
                    f"{result['seconds']:.1f} s, {result['images_per_second']:.0f} "
                    "images/s"
                )


def _prepared(trial: Trial, config: ConfigDict, seeds: Sequence[int]):
    """A trainer that has compiled its step, and what all its results share."""
    import keras

    from ltpa_tf import distribution
    from ltpa_tf.results import seed_trainer
    from ltpa_tf.training import versions

    keras.config.set_dtype_policy(config.runtime.precision)
    source = seed_trainer.load(config)
    trainer = seed_trainer.SeedTrainer(config, source, seeds)
    compile_seconds = trainer.compile()
    kept = config.to_dict()
    kept["data"]["dir"] = ""  # of one machine
    return trainer, {
        "trial": trial.name,
        "data": trial.data,
        "recipe": trial.recipe,
        "fingerprint": source.fingerprint,
        "device": distribution.device_name(),
        "versions": versions(),
        "parameters": trainer.parameters,
        "multiplications": trainer.multiplications,
        "compile_seconds": compile_seconds,
        "config": kept,
    }


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Waits until no other process trains on this folder's device."""
    with (folder / ".device.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
