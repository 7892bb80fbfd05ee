"""A finished training of a campaign as a file."""

import json
import math
from pathlib import Path

from ltpa_tf.errors import SettingError
from ltpa_tf.files import check_object

_KINDS = {
    "trial": str,
    "seed": int,
    "config": dict,
    "fingerprint": str,
    "test": dict,
    "parameters": int,
    "seconds": float,
}
# Of the test part; `top5` is of more than five classes only.
_FIGURES = ("top1", "nll", "ece")


def result_name(trial: str, seed: int) -> str:
    """What the file of a trial's result from one seed is called."""
    return f"{trial}-seed{seed}.json"


def read_results(folder: Path) -> list[dict]:
    """All results in a folder, by name.

    Raises:
        SettingError: Naming the first file that is none, or has another's name.
    """
    return [_read(file) for file in sorted(folder.glob("*.json"))]


def _read(file: Path) -> dict:
    try:
        result = check_object(json.loads(file.read_text(encoding="utf-8")), _KINDS)
        for name in _FIGURES:
            value = result["test"].get(name)
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"no number called test.{name}")
    except (ValueError, OSError) as error:
        raise SettingError(
            str(file), f"a file that can't be read ({error})", "a trial's result"
        ) from None
    own = result_name(result["trial"], result["seed"])
    if file.name != own:
        raise SettingError(str(file), "another trial's result", f"the name {own}")
    return result
