"""The report of a run: what there is to know about it, on one page."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import keras
from markupsafe import Markup

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain.methods import Method, methods
from ltpa_tf.explain.run_pictures import chosen
from ltpa_tf.report import measured
from ltpa_tf.report.card import card
from ltpa_tf.report.gallery import explained, gallery, legend
from ltpa_tf.report.html import fill, join, section
from ltpa_tf.report.summary import summary, training_curves
from ltpa_tf.run import RunFolder, write_text
from ltpa_tf.serving.card import facts_of

FILE = "report.html"
MAPS = ("attention", "evidence", "gradcam")
"""Methods of which a report shows those that the model can do."""

_HERE = Path(__file__).parent


def write_report(
    run: RunFolder,
    *,
    maps: Sequence[str] | None = None,
    split: str = "test",
    weights: str = "final",
    indices: Sequence[int] | None = None,
    count: int = 8,
    seed: int = 0,
) -> Path:
    """Writes `report.html` into a finished run's folder.

    It shows what `evaluate` has measured of the same weights and part; where it hasn't,
    the page says which command does.

    Args:
        run: A finished run.
        maps: Methods to show, see `explain.methods.NAMES`; None: those of `MAPS` that
            the model can do.
        split: `"test"` or `"validation"`.
        weights: `"final"` or `"best"`.
        indices: Which examples of the split; None draws `count` of them at random.
        count: How many examples to draw.
        seed: Of that draw.

    Returns:
        The file's path.

    Raises:
        SettingError: If there is no such run, model, data, split, example or method, or
            the model has nothing for a method; before any map is made.
    """
    class_names = tuple(run.read_dataset()["class_names"])
    model = models.prune(models.as_float32(trained := run.load_model(weights)))
    made = _methods(model, maps)
    examples = run.load_split(split)
    if indices is None and count > len(examples):
        raise SettingError("--count", count, f"1 to {len(examples)}, the {split} part")
    indices = chosen(len(examples), indices, count, seed)
    facts, result = facts_of(run, weights), None
    if run.exists(file := run.evaluation(weights, split)):
        result = run.read(file, {"per_class": dict, "confusion": list})

    def shown(where: Sequence[int]) -> Markup:
        return gallery(explained(model, made, examples, where, split), class_names)

    missing = _missing(run, weights, split, made)
    parts = {
        "summary": ("Summary", summary(trained, facts, result)),
        "training": ("Training", training_curves(run)),
        "classes": ("Classes", measured.by_class(result) if result else missing),
        "calibration": (
            "Calibration",
            measured.calibration(result) if result else missing,
        ),
        "gallery": (
            "Where it looks",
            join([measured.border(result or {}), legend(), shown(indices)]),
        ),
        "mistakes": ("Surest mistakes", _mistakes(result, shown) or missing),
        "maps": (
            "What the maps are worth",
            measured.maps(result["maps"]) if "maps" in (result or {}) else missing,
        ),
        "card": ("Model card", card(trained, class_names, facts)),
    }
    page = fill(
        (_HERE / "page.html").read_text(encoding="utf-8"),
        title=f"{run.path.resolve().name}: report",
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
        links=join(fill('<a href="#{}">{}</a>', k, v[0]) for k, v in parts.items()),
        parts=join(section(name, *part) for name, part in parts.items()),
    )
    write_text(run.path / FILE, page)
    return run.path / FILE


def _methods(model: keras.Model, names: Sequence[str] | None) -> list[Method]:
    if names is not None:
        return methods(model, names)
    made = []
    for name in MAPS:
        try:
            made += methods(model, [name])
        except SettingError:  # the model has nothing for it
            continue
    return made


def _mistakes(result: dict | None, shown) -> Markup | None:
    if result is None or "mistakes" not in result:
        return None
    indices = [one["index"] for one in result["mistakes"]]
    return shown(indices) if indices else fill("<p>None: all answers are right.</p>")


def _missing(
    run: RunFolder, weights: str, split: str, made: Sequence[Method]
) -> Markup:
    flags = {"workdir": run.path, "weights": weights, "split": split}
    flags |= {"data_dir": run.data_dir, "maps": ",".join(one.name for one in made)}
    left_out = {"weights": "final", "split": "test", "data_dir": ""}
    command = ["python", "-m", "pipelines.evaluate"]
    command += [f"--{k}={v}" for k, v in flags.items() if left_out.get(k) != v]
    return fill(
        "<p>Not measured yet. This measures it; then write the report again:</p>"
        "<pre><code>{}</code></pre>",
        shlex.join(command),
    )
