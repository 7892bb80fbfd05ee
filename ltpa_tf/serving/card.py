"""The model card: what a version is, what it was measured at, what it isn't for.

After Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv 1810.03993).
"""

from collections.abc import Mapping, Sequence

from ltpa_tf.images import Preprocessing
from ltpa_tf.run import RunFolder
from ltpa_tf.serving.signatures import Signatures
from ltpa_tf.settings_in_effect import in_effect

FILE = "model_card.md"

_MAPS = """## What the maps mean

`level_N` holds the weights with which the features at level N of the network were
averaged before the classifier saw them: the classifier sees the image through these
weights alone, so what has weight zero at every level has no direct part in the answer.
A softmax map sums to 1; compare it with the uniform share 1/(h*w), not with its own
maximum, or a flat map looks like an opinion.

They are not a proof of cause. A position's feature also depends on its surroundings
(the receptive field is larger than the cell on the map), a high weight doesn't say for
or against which class, and two models of equal accuracy can attend differently. Maps
at image resolution are interpolated and hold no more information than the native ones.
"""
_EVIDENCE = """\
`evidence_N` does say for or against which class: it is what each position of level N
gives to the logit of the top class, positive where it speaks for it. Over all levels
and positions, plus `evidence_bias`, it adds up to that logit. It is a share of the sum
that the classifier computes, and no proof of cause either.
"""
_USE = """## Intended use and limits

Classification of images like those it was trained on, into the classes below, with the
attention shown to a person who judges the answer. Every image gets some class:
there is no "none of these", and the probability of an image unlike the training data
means nothing. It isn't meant for decisions about people, nor where a wrong answer
does harm that no person can prevent.
"""


def facts_of(run: RunFolder, weights: str = "final") -> dict:
    """What a run folder knows about its model: dataset, config, summary, evaluations.

    Args:
        run: A finished run.
        weights: `"final"` or `"best"`; what was measured of the others is left out.
    """
    files = {
        "dataset": run.dataset_file,
        "config": run.config_file,
        "summary": run.summary_file,
    }
    facts = {name: run.read(file) for name, file in files.items() if run.exists(file)}
    facts["model"] = {"weights": weights}
    facts["evaluations"] = [e for e in run.evaluations() if e["weights"] == weights]
    if weights != "final":  # the summary's digest is of the final ones
        facts.pop("summary", None)
    return facts


def model_card(name: str, version: int, signatures: Signatures, facts: Mapping) -> str:
    """The card as Markdown.

    Args:
        name: Name of the model.
        version: Version of the model.
        signatures: Of the exported model.
        facts: As of `facts_of`; what isn't there is said to be unknown.
    """
    return f"# {name}, version {version}\n\n{card_body(signatures, facts)}"


def card_body(signatures: Signatures, facts: Mapping) -> str:
    """The card without its title, see `model_card`."""
    parts = [
        _model(signatures, facts.get("model")),
        *([_preset(facts["preset"])] if "preset" in facts else []),
        _data(facts.get("dataset")),
        _recipe(facts.get("config"), facts.get("summary")),
        _measured(facts.get("evaluations")),
        _USE,
        _files(signatures.preprocessing),
        *([_MAPS] if signatures.attention else []),
        *([_EVIDENCE] if signatures.evidence else []),
        "## Classes\n\n" + ", ".join(signatures.class_names) + "\n",
    ]
    return "\n".join(parts)


def _model(signatures: Signatures, model: dict | None) -> str:
    height, width, _ = signatures.image_shape
    names = (name.removeprefix("level_") for name in signatures.attention)
    levels = ", ".join(names) or "none"
    weights = f"The weights are the run's {model['weights']} ones.\n" if model else ""
    return f"""A convolutional network with trainable visual attention ("Learn to Pay
Attention", Jetley et al., ICLR 2018): {signatures.network.count_params():,} parameters,
attention at levels {levels}, images of {height}x{width} pixels, float32.
{weights}"""


def _preset(preset: Mapping) -> str:
    rows = "".join(f"- {key}: {value}\n" for key, value in preset["measured"].items())
    return f"## Preset\n\nMade of the preset `{preset['name']}`.\n\n{rows}"


def _files(chosen: Preprocessing) -> str:
    low, high = chosen.limits
    return f"""## Image files

The signatures that take `encoded` bytes decode JPEG and PNG as the training did: turned
as their EXIF orientation says, {chosen.in_words()}, transparent parts on the
colour {chosen.background} (red, green, blue), the values {low} to {high} of 16-bit
files as black to white. Colour profiles are not applied. Those that take `images` get
pixels for which all of this has been done.
"""


def _data(dataset: dict | None) -> str:
    if not dataset:
        return "## Data\n\nUnknown.\n"
    sizes = dataset.get("sizes", {})
    rows = "".join(f"- {part}: {size:,} images\n" for part, size in sizes.items())
    return (
        f"## Data\n\n`{dataset['name']}`, fingerprint "
        f"`{dataset.get('fingerprint', 'unknown')}`.\n\n{rows}"
    )


def _recipe(config: dict | None, summary: dict | None) -> str:
    if not config:
        return "## Recipe\n\nUnknown.\n"
    parts = ("model", "augment", "train", "optimizer")
    chosen = in_effect({part: config[part] for part in parts if part in config})
    rows = "".join(f"| {key} | {value} |\n" for key, value in chosen.items())
    digest = (summary or {}).get("weights_sha256")
    return (
        "## Recipe\n\nSettings that are on; the whole config is in the run folder.\n\n"
        f"| setting | value |\n|---|---|\n{rows}"
        + (f"\nSHA-256 of the trained weights: `{digest}`\n" if digest else "")
    )


# What is told of an evaluation, where it is there: one by an earlier version, or of
# two or of many classes, has other metrics.
_FIGURES = {
    "top1": ("top-1 accuracy", "{:.2%}"),
    "top5": ("top-5 accuracy", "{:.2%}"),
    "balanced_accuracy": ("balanced accuracy", "{:.2%}"),
    "f1": ("F1, mean of classes", "{:.2%}"),
    "auc": ("area under the ROC curve", "{:.4f}"),
    "nll": ("negative log-likelihood (nats)", "{:.4f}"),
    "ece": ("expected calibration error", "{:.2%}"),
}


def _measured(evaluations: Sequence[dict] | None) -> str:
    if not evaluations:
        return "## Measured\n\nNot evaluated.\n"
    return (
        "## Measured\n\nBefore serving it, evaluate it on images of your own.\n"
        + "".join(f"\n{_evaluation(one)}" for one in evaluations)
    )


def _evaluation(evaluation: dict) -> str:
    data, split = evaluation.get("data"), evaluation.get("split", "held-out")
    on = f"other images, `{data}`" if data else f"images of the {split} part"
    rows = [
        (title, form.format(evaluation[name]))
        for name, (title, form) in _FIGURES.items()
        if evaluation.get(name) is not None
    ]
    rows += [
        (f"attention points at the object: {key.replace('_', ' ')}", f"{value:.2%}")
        for key, value in evaluation.get("pointing", {}).items()
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows)
    head = "| measure | value |\n|---|---|\n"
    return f"On {evaluation['examples']:,} {on}:\n\n{head}{table}"
