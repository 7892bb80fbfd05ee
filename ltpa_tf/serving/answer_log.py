"""Answers as a few numbers each: what a client logs, and what drift is found in.

A log is JSON lines, one a prediction:

    {"time": "2026-01-31T12:00:00+00:00", "class": "cat", "probability": 0.97,
     "levels": {"7": {"entropy": 0.81, "y": 0.52, "x": 0.47, "peak_y": 0.56, ...}}}
"""

import datetime
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.files import check_object
from ltpa_tf.serving.prediction import Prediction

MAP_MEASURES = {
    "entropy": "entropy",
    "y": "centre of mass, down",
    "x": "centre of mass, across",
    "peak_y": "peak, down",
    "peak_x": "peak, across",
}
"""What is kept of a map. All lie between 0 and 1: the entropy is 1 for a flat map,
positions are shares of the map's height and width."""


def summary(prediction: Prediction) -> dict:
    """`class`, `probability`, and for each level, by its name, the `MAP_MEASURES`."""
    return {
        "class": prediction.name,
        "probability": _rounded(prediction.probability),
        "levels": {str(key): _of_map(one) for key, one in prediction.maps.items()},
    }


def append(file: Path, predictions: Iterable[Prediction]) -> None:
    """Adds a line for each prediction; several processes may write one file."""
    time = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    lines = [json.dumps({"time": time, **summary(one)}) + "\n" for one in predictions]
    with file.open("a", encoding="utf-8") as stream:
        stream.write("".join(lines))


def read(file: Path) -> Iterator[dict]:
    """The lines of a log, in order.

    Raises:
        SettingError: If one is damaged; it says which. Also if the file can't be read.
    """
    try:
        stream = file.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingError(
            "--requests", str(file), f"a file that can be read ({error.strerror})"
        ) from None
    with stream:
        for number, line in enumerate(stream, 1):
            try:
                value = checked(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise SettingError(
                    "--requests",
                    f"{file}, line {number}",
                    f"JSON lines that Client(log=FILE) has written, whole ({error})",
                ) from None
            yield value


def checked(value: object) -> dict:
    """A line, as JSON gave it.

    Raises:
        ValueError: If it is none.
    """
    line = check_object(value, {"class": str, "probability": float, "levels": dict})
    numbers = [line["probability"]]
    for level in line["levels"].values():
        numbers += check_object(level, dict.fromkeys(MAP_MEASURES, float)).values()
    if not all(type(one) is float and 0 <= one <= 1 for one in numbers):
        raise ValueError("numbers that aren't between 0 and 1")
    return line


def _of_map(attention: np.ndarray) -> dict[str, float]:
    weights = np.asarray(attention, np.float64)
    if not weights.any():  # a sigmoid's, of scores far below 0
        weights = np.ones_like(weights)
    weights = weights / weights.sum()
    height, width = weights.shape
    some = weights[weights > 0]
    entropy = 1.0  # a map of one position is as flat as it can be
    if weights.size > 1:
        entropy = -(some * np.log(some)).sum() / math.log(weights.size)
    down, across = ((np.arange(size) + 0.5) / size for size in (height, width))
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    values = {
        "entropy": entropy,
        "y": weights.sum(1) @ down,
        "x": weights.sum(0) @ across,
        "peak_y": down[row],
        "peak_x": across[column],
    }
    return {name: _rounded(value) for name, value in values.items()}


def _rounded(value: float) -> float:
    return round(float(value), 4)
