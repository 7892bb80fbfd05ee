"""What the run is, in one table and a few charts."""

from collections.abc import Mapping

import keras
from markupsafe import Markup

from ltpa_tf import models
from ltpa_tf.metrics_file import MetricsFile
from ltpa_tf.report.charts import curves
from ltpa_tf.report.html import fill, join, table
from ltpa_tf.run import RunFolder
from ltpa_tf.settings_in_effect import in_effect
from ltpa_tf.words import count


def summary(model: keras.Model, facts: Mapping, result: Mapping) -> Markup:
    """Model, data, accuracy, parameters, recipe.

    Args:
        model: The trained model.
        facts: As of `serving.card.facts_of`; what isn't there is left out.
        result: The evaluation; empty if there is none.
    """
    rows = {
        "Model": _model(model, facts.get("config")),
        "Parameters": _parameters(model),
        "Data": _data(facts["dataset"]),
        "Accuracy": _accuracy(result),
        "Recipe": _recipe(facts.get("config")),
        "Training": _training(facts.get("summary")),
        "Versions": ", ".join(
            f"{name} {number}"
            for name, number in facts.get("summary", {}).get("versions", {}).items()
        ),
    }
    shown = [(name, text) for name, text in rows.items() if text]
    caption = f"The {facts['model']['weights']} weights of this run"
    return table(caption, (), shown)


def training_curves(run: RunFolder) -> Markup:
    """Charts of `metrics.jsonl`, and its last line in words."""
    epochs = MetricsFile(run.metrics_file).epochs()
    if not epochs:
        return fill("<p>There is no {} here.</p>", run.metrics_file.name)
    return fill('<div class="charts">{}</div>', join(curves(epochs)))


def _model(model: keras.Model, config: Mapping | None) -> str:
    settings = (config or {}).get("model", {})
    names = (x.name.removeprefix("level_") for x in models.estimators(model))
    levels = ", ".join(names) or "none"
    parts = [settings.get("name", model.name), f"attention at levels: {levels}"]
    parts += [f"{k} {settings[k]}" for k in ("trunk", "width") if settings.get(k)]
    return "; ".join(parts)


def _parameters(model: keras.Model) -> str:
    whole, needed = model.count_params(), models.prune(model).count_params()
    less = "" if needed == whole else f", of which {needed:,} can change a prediction"
    return f"{whole:,}{less}"


def _data(dataset: Mapping) -> str:
    height, width, _ = dataset["image_shape"]
    sizes = (f"{n:,} {part}" for part, n in dataset.get("sizes", {}).items() if n)
    name, classes = dataset["name"], len(dataset["class_names"])
    return f"{name}; {classes:,} classes; {height}x{width} pixels; {', '.join(sizes)}"


def _accuracy(result: Mapping) -> str:
    if not result:
        return "not evaluated"
    top5 = f" (top 5: {result['top5']:.2%})" if "top5" in result else ""
    on = f"{result['examples']:,} images of the {result['split']} part"
    return f"{result['top1']:.2%}{top5} of {on}"


def _recipe(config: Mapping | None) -> str:
    if not config:
        return ""
    train, optimizer = config.get("train", {}), config.get("optimizer", {})
    augment = in_effect({"augment": config.get("augment", {})})
    shown = ", ".join(f"{k.split('.')[1]} {v}" for k, v in augment.items()) or "none"
    return (
        f"{train.get('epochs')} epochs of batches of {train.get('batch_size')}; "
        f"{optimizer.get('name')}, learning rate {optimizer.get('learning_rate')}, "
        f"{optimizer.get('schedule')}; augmentation: {shown}"
    )


def _training(done: Mapping | None) -> str:
    if not done:
        return ""
    took = f"{count(done['epochs'], 'epoch')} in {done['seconds'] / 60:,.1f} minutes"
    return f"{took} on {done['device']}" if "device" in done else took
