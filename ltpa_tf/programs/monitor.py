"""Says whether a served model still answers, and looks, as it did on its test images.

python -m pipelines.monitor --model_dir=saved_models/mine --requests=requests.jsonl

Compares class mix, confidence, and entropy and position of the maps. Prints a table;
with --output also writes monitor.json and monitor.html. Exit code 0: as before. 3:
something is shifted. 2: a setting can't be used.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.errors import renamed
from ltpa_tf.programs import program

if TYPE_CHECKING:
    from ltpa_tf.serving.drift import Shift

EXIT_SHIFTED = 3

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of an export: of one version, or of all (the latest)."
)
_REQUESTS = flags.DEFINE_multi_string(
    "requests",
    None,
    "A log: JSON lines of Client(log=FILE) or predict --log, or TFRecords of "
    "TensorFlow Serving's request logs, which are asked again. May be repeated.",
)
_EFFECT = flags.DEFINE_float(
    "effect",
    0.1,
    "The share of predictions that must lie elsewhere for a shift, besides p < 0.001 "
    "of all measures together.",
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for monitor.json and .html.")

_HEAD = ("measure", "test images", "requests", "effect", "p", "")


def main(argv: Sequence[str]) -> int:
    """Compares, prints, writes."""
    del argv
    from ltpa_tf import serving
    from ltpa_tf.files import make_folder

    if _OUTPUT.value:
        make_folder(Path(_OUTPUT.value), "--output")
    with renamed("--saved_model", "--model_dir"):
        shifts = serving.find_drift(
            _MODEL_DIR.value, _REQUESTS.value, effect=_EFFECT.value
        )
    shifted = [one.measure for one in shifts if one.shifted]
    _print_table(shifts)
    verdict = f"shifted: {'; '.join(shifted)}" if shifted else "looks as before"
    print(verdict)
    if _OUTPUT.value:
        _write(Path(_OUTPUT.value), shifts, verdict)
    return EXIT_SHIFTED if shifted else 0


def _row(shift: "Shift") -> list[str]:
    then, now = shift.before, shift.now
    if isinstance(then, dict):  # the classes whose share has changed most
        names = sorted(then, key=lambda name: -abs(now[name] - then[name]))[:3]
        before, later = (
            ", ".join(f"{name} {shares[name]:.1%}" for name in names)
            for shares in (then, now)
        )
    else:
        before, later = f"{then:.3f}", f"{now:.3f}"
    verdict = "shifted" if shift.shifted else ""
    p = f"{shift.p:.2g}"
    return [shift.measure, before, later, f"{shift.effect:.3f}", p, verdict]


def _print_table(shifts: Sequence["Shift"]) -> None:
    import rich.table

    table = rich.table.Table(*_HEAD)
    for shift in shifts:
        table.add_row(*_row(shift))
    program.console().print(table)


def _write(folder: Path, shifts: Sequence["Shift"], verdict: str) -> None:
    from ltpa_tf.files import write_json, write_text
    from ltpa_tf.report import html

    facts = {
        "model_dir": _MODEL_DIR.value,
        "requests": _REQUESTS.value,
        "shifted": [one.measure for one in shifts if one.shifted],
        "measures": [dataclasses.asdict(one) for one in shifts],
    }
    write_json(folder / "monitor.json", facts)
    caption = (
        "Means and shares; 0 to 1, positions as shares of the map. Shifted: an effect "
        f"of at least {_EFFECT.value:g} (the share of predictions that lie elsewhere), "
        "and p below 0.001 of all measures together."
    )
    asked = html.fill(
        "<p><strong>{}</strong></p>\n<p>{}, asked by {}</p>",
        verdict[:1].upper() + verdict[1:],
        _MODEL_DIR.value,
        ", ".join(_REQUESTS.value),
    )
    parts = {
        "verdict": ("Verdict", asked),
        "measures": ("Measures", html.table(caption, _HEAD, map(_row, shifts))),
    }
    title = f"{Path(_MODEL_DIR.value).resolve().name}: drift"
    write_text(folder / "monitor.html", html.page(title, parts))


def cli() -> None:
    """The installed command `ltpa-monitor`."""
    flags.mark_flags_as_required(["model_dir", "requests"])
    program.run(main)


if __name__ == "__main__":
    cli()
