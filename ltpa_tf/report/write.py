"""The report of a run: what there is to know about it, on one page."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from markupsafe import Markup

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain.methods import Method, methods
from ltpa_tf.explain.run_pictures import check_indices, chosen
from ltpa_tf.files import write_text
from ltpa_tf.report.card import card
from ltpa_tf.report.further import further
from ltpa_tf.report.gallery import explained, gallery, legend
from ltpa_tf.report.html import fill, page
from ltpa_tf.report.measured import border, by_class, calibration, worth
from ltpa_tf.report.summary import summary, training_curves
from ltpa_tf.run import RunFolder
from ltpa_tf.serving.card import facts_of

FILE = "report.html"
MAPS = ("attention", "evidence", "gradcam")
"""Methods of which a report shows those that the model can do."""


def write_report(
    run: RunFolder,
    *,
    maps: Sequence[str] | None = None,
    split: str = "test",
    weights: str = "final",
    indices: Sequence[int] | None = None,
    count: int | None = None,
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
        count: How many examples to draw; None draws 8, or all of fewer.
        seed: Of that draw.

    Returns:
        The file's path.

    Raises:
        SettingError: If there is no such run, model, data, split, example or method, or
            the model has nothing for a method; before any map is made.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> report.write_report(run, count=2).name
        'report.html'
    """
    check_indices(run, split, indices)
    class_names = tuple(run.read_dataset()["class_names"])
    model = models.prune(models.as_float32(trained := run.load_model(weights)))
    made = _methods(model, maps)
    examples = run.load_split(split)
    count = min(8, len(examples)) if count is None else count
    if indices is None and count > len(examples):
        raise SettingError("--count", count, f"1 to {len(examples)}, the {split} part")
    indices = chosen(len(examples), indices, count, seed)
    facts, treated, result = facts_of(run, weights), run.preprocessing(), {}
    if run.exists(file := run.evaluation(weights, split)):
        result = run.read(file, {"per_class": dict, "confusion": list})

    wrong = [one["index"] for one in result.get("mistakes", ())]
    items = explained(model, made, examples, [*indices, *wrong], split)
    looks = gallery(items[: len(indices)], class_names)
    mistakes = gallery(items[len(indices) :], class_names) or "None."
    missing = _missing(run, weights, split, made)

    def known(key: str, part: Callable[[], object]) -> object:
        return part() if key in result else missing

    parts = {
        "summary": ("Summary", summary(trained, facts, result)),
        "training": ("Training", training_curves(run)),
        "classes": ("Classes", known("confusion", lambda: by_class(result))),
        "calibration": ("Calibration", known("ece", lambda: calibration(result))),
        "gallery": ("Where it looks", border(result), legend(), looks),
        "mistakes": ("Surest mistakes", known("mistakes", lambda: mistakes)),
        "maps": ("What the maps are worth", known("maps", lambda: worth(result))),
        "further": ("Attacks, global features, other data", further(result)),
        "card": ("Model card", card(trained, class_names, treated, facts)),
    }
    write_text(run.path / FILE, page(f"{run.path.resolve().name}: report", parts))
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


def _missing(
    run: RunFolder, weights: str, split: str, made: Sequence[Method]
) -> Markup:
    flags = {"workdir": run.name, "weights": weights, "split": split}
    flags |= {"data_dir": run.data_dir, "maps": ",".join(one.name for one in made)}
    left_out = {"weights": "final", "split": "test", "data_dir": ""}
    command = ["python", "-m", "pipelines.evaluate"]
    command += [f"--{k}={v}" for k, v in flags.items() if left_out.get(k) != v]
    return fill(
        "<p>Not measured yet. This measures it; then write the report again:</p>"
        "<pre><code>{}</code></pre>",
        shlex.join(command),
    )
