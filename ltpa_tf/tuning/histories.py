"""Trials' metrics by epoch, read from their run folders."""

import json
import math
from pathlib import Path


def direction(objective: str) -> str:
    """`"min"` for losses, `"max"` for accuracies."""
    return "min" if objective.endswith("loss") else "max"


def read(metrics_file: Path) -> list[dict]:
    """The whole lines of a `metrics.jsonl`, which may be being written."""
    lines = []
    if metrics_file.exists():
        for text in metrics_file.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
    return lines


def best_line(lines: list[dict], objective: str) -> dict | None:
    """The epoch whose objective is best; None if none has a finite one."""
    finite = [line for line in lines if math.isfinite(line.get(objective, math.nan))]
    choose = min if direction(objective) == "min" else max
    return choose(finite, key=lambda line: line[objective], default=None)


def best_until(lines: list[dict], epoch: int, objective: str) -> float | None:
    """The best objective of the first `epoch` epochs; None if there weren't so many."""
    if len(lines) < epoch:
        return None
    line = best_line(lines[:epoch], objective)
    return None if line is None else line[objective]


def verdict_file(run_folder: Path) -> Path:
    """Where it says why a run was stopped early, see `callbacks.MedianStopping`."""
    return run_folder / "stopped.txt"
