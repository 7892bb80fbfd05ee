"""What a search found: a table, `trials.csv` and `best_config.py`."""

import csv
import datetime
import io
import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import rich.box
from ml_collections import ConfigDict
from rich.table import Table

from ltpa_tf import config as config_lib
from ltpa_tf.files import write_text
from ltpa_tf.tuning import histories
from ltpa_tf.tuning.space import Space
from ltpa_tf.tuning.values import label
from ltpa_tf.words import count

_SHOWN = 10  # trials on screen


def rows(
    trials: Mapping[str, object], space: Space, workdir: Path, objective: str
) -> list[dict]:
    """One dict per trial, in the order they began.

    Args:
        trials: keras-tuner's trials by id.
        space: What is searched.
        workdir: The search's folder.
        objective: The metric that counts.

    Returns:
        Dicts with `trial`, `status`, the objective (None unless completed), `spread`
        (standard deviation over executions, None for one), `executions`, `epochs` and
        `seconds` (training, of all of them; after Hyperband's promotion those taken
        over included), `settings` (by key), `note` (why it failed or was stopped),
        `folder`.
    """
    return [
        _row(trial_id, trials[trial_id], space, workdir, objective)
        for trial_id in sorted(trials, key=int)
    ]


def ranked(found: Iterable[dict], objective: str) -> list[dict]:
    """The completed trials, the best first; of equal ones the earlier."""
    sign = 1 if histories.direction(objective) == "min" else -1
    done = [row for row in found if row["status"] == "COMPLETED"]
    return sorted(done, key=lambda row: (sign * row[objective], row["trial"]))


def write_csv(found: list[dict], space: Space, file: Path, objective: str) -> None:
    """Writes `trials.csv`; settings that were not searched in a trial are empty."""
    names = ["trial", "status", objective, "spread", "executions", "epochs", "seconds"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*names, *space.keys, "note"])
    for row in found:
        settings = {key: label(value) for key, value in row["settings"].items()}
        values = [settings.get(key, "") for key in space.keys]
        writer.writerow([*(row[name] for name in names), *values, row["note"]])
    write_text(file, stream.getvalue())


def table(found: list[dict], objective: str) -> Table:
    """The best trials, for `rich` to print."""
    best = ranked(found, objective)
    failed = sum(row["status"] == "FAILED" for row in found)
    caption = f"{count(len(best), 'trial')} completed, {failed} failed"
    if len(best) > _SHOWN:
        caption += f"; the best {_SHOWN} are shown, trials.csv has all"
    shown = Table(box=rich.box.SIMPLE, caption=caption, caption_justify="left")
    for name in ("trial", objective, "epochs", "time"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("settings")
    for row in best[:_SHOWN]:
        spread = "" if row["spread"] is None else f" ± {row['spread']:.4f}"
        shown.add_row(
            str(row["trial"]),
            f"{row[objective]:.4f}{spread}",
            str(row["epochs"]),
            str(datetime.timedelta(seconds=round(row["seconds"]))),
            in_words(row["settings"]),
        )
    return shown


def in_words(settings: Mapping[str, object]) -> str:
    """Settings as `key=value`, the key without its group where that is clear."""
    ends = [key.rpartition(".")[2] for key in settings]
    return ", ".join(
        f"{end if ends.count(end) == 1 else key}={_short(value)}"
        for end, (key, value) in zip(ends, settings.items(), strict=True)
    )


def best_config(
    config: ConfigDict, defaults: ConfigDict, file: Path, sentence: str
) -> str:
    """The text of `best_config.py`, which `train.py --config=` takes.

    Args:
        config: The best trial's config.
        defaults: What `configs/common.py` gives; only what differs is written.
        file: Where it will be.
        sentence: What it is the best of.
    """
    changes = config_lib.differences(defaults, config)
    lines = [f"    config.{key} = {_code(value)}" for key, _, value in changes]
    return "\n".join(
        [
            f'r"""{sentence}',
            "",
            f"    {train_command(file)}",
            '"""',
            "",
            "from ltpa_tf.configs import common",
            "",
            "",
            "def get_config():",
            '    """The config, locked."""',
            "    config = common.get_config()",
            *lines,
            "    return config",
            "",
        ]
    )


def train_command(file: Path) -> str:
    """The command that trains `best_config.py`."""
    folder = file.parent if file.parent.name else file.parent.absolute()  # of "."
    workdir = folder.with_name(f"{folder.name}-best")
    return (
        f"python -m pipelines.train --config={shlex.quote(str(file))} "
        f"--workdir={shlex.quote(str(workdir))}"
    )


def _row(trial_id: str, trial, space: Space, workdir: Path, objective: str) -> dict:
    folder = workdir / f"trial_{trial_id}"
    files = sorted(folder.glob("run_*/metrics.jsonl"))
    runs = [history for history in map(histories.read, files) if history]
    bests = [histories.best_line(history, objective) for history in runs]
    values = [line[objective] for line in bests if line is not None]
    lines = [line for history in runs for line in history]
    return {
        "trial": int(trial_id),
        "status": trial.status,
        objective: trial.score,
        "spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "executions": len(runs),
        "epochs": len(lines),
        "seconds": round(sum(line.get("seconds", 0.0) for line in lines), 1),
        "settings": space.settings(trial.hyperparameters.values),
        "note": _note(folder, trial),
        "folder": folder,
    }


def _note(folder: Path, trial) -> str:
    if trial.status == "COMPLETED":
        verdicts = [
            histories.verdict_file(path).read_text("utf-8")
            for path in folder.glob("run_*")
            if histories.verdict_file(path).exists()
        ]
        return " ".join(f"stopped: {text}" for text in verdicts)
    file = folder / "failure.txt"
    text = file.read_text("utf-8") if file.exists() else trial.message or ""
    return text.strip().splitlines()[-1] if text.strip() else ""


def _code(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else label(value)
