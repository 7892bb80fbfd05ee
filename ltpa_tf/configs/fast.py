r"""What attention is worth in a short training: the fast recipes, one change at a time.

    python -m pipelines.results --campaign=fast --data=FOLDER --out=docs/results/fast
    python -m pipelines.results --campaign=fast --out=docs/results/fast \
        --page=docs/results/fast.md

FOLDER holds cifar10.npz and cifar100.npz. The control has the same trunk and recipe,
and in the place of attention each channel's largest of the last level (airbench's head,
arXiv 2404.00498). A result's file has the accuracy of the plain test images, `test`,
with the mirrored image, `test_with_flip`, and of airbench's six views,
`test_with_views`.

These trials say why; none of them is to be chosen by its line. That is done on images
held out from training, in a folder of its own:

    python -m pipelines.results --campaign=fast --data=FOLDER --out=runs/choosing \
        --set=data.validation_examples=5000 --seeds=0,1,2

One of them as an ordinary run:

    python -m pipelines.train --workdir=runs/sharp --config.data.dir=cifar10.npz \
        --config=configs/fast.py:cifar10-vgg_att2_concat_pc-sharp4
"""

from ml_collections import ConfigDict

from ltpa_tf.configs import cifar10_fast, cifar100_fast, results
from ltpa_tf.results.campaign import Trial, named

_RECIPES = {"cifar10": cifar10_fast, "cifar100": cifar100_fast}
_ATT2 = "vgg_att2_concat_pc"
_ADDITIVE, _DOT = "vgg_att2_concat_additive", "vgg_att2_concat_dp"

# The trunk alone, its last level pooled by one rule for all images.
_MAX = {"model.levels": (), "model.global_feature": "max"}
_MEAN = {"model.levels": (), "model.global_feature": "gap"}
_BOTH = {"model.descriptor": "attended_and_max"}
_LAST = {"model.levels": (9,)}
_SIGMOID = {"model.normalization": "sigmoid"}
# The Transformer's, of the last level's 512 channels; level 6 has as many.
_SCALED = {"model.score_scale": 512**-0.5}

# (row, variant, settings): the control, attention as it is, what may explain the
# difference.
_FIRST = (
    ("vgg_none", "max", _MAX),
    (_ATT2, "", {}),
    # Is it the map, or the second level? And are maps any better than flat ones?
    ("vgg_att_pc", "last", _LAST),
    ("vgg_none", "mean", _MEAN),
    # Is it what a maximum sees that no weighted mean can?
    (_ATT2, "and_max", _BOTH),
    # Are maps too flat for too long? u then learns 16 and 256 times as fast.
    (_ATT2, "sharp4", {"model.score_scale": 4.0}),
    (_ATT2, "sharp16", {"model.score_scale": 16.0}),
    # Is it the descriptor's size, at first a sixth of the maxima's, which batch norm
    # would put right? (docs/logs/cpu-fast-start.log)
    (_ATT2, "projection", {"model.projection": "paper"}),
    (_ATT2, "logits1", {"model.logit_scale": 1.0}),
    (_ATT2, "logits2", {"model.logit_scale": 2.0}),
)
_OTHERS = (
    # The control's own size of logits; airbench's is 1/9.
    ("vgg_none", "max-logits0.125", {**_MAX, "model.logit_scale": 0.125}),
    ("vgg_none", "max-logits0.25", {**_MAX, "model.logit_scale": 0.25}),
    ("vgg_att_pc", "last-and_max", {**_LAST, **_BOTH}),
    (_ATT2, "sigmoid", _SIGMOID),
    (_ATT2, "sigmoid-sharp4", {**_SIGMOID, "model.score_scale": 4.0}),
    # Does it help to know what the image is about, told by a mean or by maxima?
    (_ADDITIVE, "", {"model.global_feature": "gap"}),
    (_ADDITIVE, "max", {"model.global_feature": "max"}),
    (_DOT, "scaled", {**_SCALED, "model.global_feature": "gap"}),
    (_DOT, "scaled-max", {**_SCALED, "model.global_feature": "max"}),
    ("vgg_att2_indep_pc", "", {}),
    ("vgg_att3_concat_pc", "", {"model.levels": (3, 6, 9)}),
    (_ATT2, "levels8", {"model.levels": (8, 9)}),
)


def _shorter(epochs: int):
    """About half the epochs, and half the multiplications in each."""
    short = {"train.epochs": epochs, "optimizer.warmup_epochs": epochs / 5}
    narrow = {**short, "model.trunk": "faster"}
    return (
        (_ATT2, "short", short),
        (_ATT2, "short-faster", {**narrow, "model.levels": (4, 6)}),
        ("vgg_none", "short-faster-max", {**narrow, **_MAX}),
    )


def _trials(lines, data=tuple(_RECIPES)) -> tuple[Trial, ...]:
    return tuple(
        Trial(name, row, variant, settings, recipe="fast")
        for name in data
        for row, variant, settings in lines
    )


_SHORTER = (
    *_trials(_shorter(15), ["cifar10"]),
    *_trials(_shorter(30), ["cifar100"]),
)
TRIALS: tuple[Trial, ...] = (*_trials(_FIRST), *_trials(_OTHERS), *_SHORTER)
# The control and attention first; then what may explain it; then the rest.
WORK: tuple[tuple[Trial, tuple[int, ...]], ...] = (
    *((trial, tuple(range(10))) for trial in _trials(_FIRST)),
    *((trial, (0, 1, 2)) for trial in (*_SHORTER, *_trials(_OTHERS))),
)

INTRODUCTION = """\
# What attention is worth in a short training

The recipes of `cifar10_fast` and `cifar100_fast`, 30 and 56 epochs, one change at a
time. Each line is the mean and standard deviation over seeds of the model after its
last epoch; the test part is looked at once, then, and no line is chosen by it. The
control, `vgg_none, max`, has each channel's largest of the last level in the place of
attention. Made of the result files by

    python -m pipelines.results --campaign=fast --out=FOLDER --page=FILE

**What it says so far** (`seconds` is training alone on one H200, beside which the host
compiled other lines).

- **No cost of attention against a max pool is seen here.** With 15 epochs of CIFAR-10
  and ten seeds its error is 5.88 ± 0.14% beside 5.84 ± 0.13; with 30 epochs (CIFAR-10)
  and 30 (CIFAR-100) three seeds don't tell them apart either. Nor is there a gain. The
  1.2 points that an earlier trunk lost, after six epochs of one seed, are not found
  again.
- With six views the max pool is ahead by 0.06 points on CIFAR-10 and by 0.5 on
  CIFAR-100, where attention has 77.02% and the max pool 77.51 (three seeds).
- Neither maxima beside the attended features, nor batch norm over descriptors, nor
  logits four times as large make a difference.
- Fifteen epochs of `short-faster`, half the multiplications in each, end at 94.86% with
  six views (94.12% with one); seventeen at 95.01%, as airbench95, which has no
  attention, in the same half hour on the same machine and in 0.95 of its time
  ([performance](../performance.md)).
- CIFAR-100 passes 75% in 8.2 s: 75.13 ± 0.39% (76.60% with the mirrored image).
"""
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {}
QUESTIONS: tuple[tuple[str, str, str], ...] = tuple(
    (f"{question} ({data})", f"{data}-{one}", f"{data}-{other}")
    for data in _RECIPES
    for question, one, other in (
        ("Attention over a max pool?", _ATT2, "vgg_none-max"),
        (
            "Attention at the last level over a max pool?",
            "vgg_att_pc-last",
            "vgg_none-max",
        ),
        (
            "Attention at the last level over a mean?",
            "vgg_att_pc-last",
            "vgg_none-mean",
        ),
        (
            "Attention over a max pool, half the epochs?",
            f"{_ATT2}-short-faster",
            "vgg_none-short-faster-max",
        ),
        ("Attention and maxima over a max pool?", f"{_ATT2}-and_max", "vgg_none-max"),
        ("Scores 4 times as large over as they are?", f"{_ATT2}-sharp4", _ATT2),
        ("Scores 16 times as large over as they are?", f"{_ATT2}-sharp16", _ATT2),
        ("Normalized descriptors over plain ones?", f"{_ATT2}-projection", _ATT2),
        ("Logits 4 times as large over as they are?", f"{_ATT2}-logits2", _ATT2),
    )
)


def get_config(argument: str = TRIALS[0].name) -> ConfigDict:
    """The config of the trial of this name."""
    trial = named(TRIALS, argument)
    config = _RECIPES[trial.data].get_config()
    config.model.name = trial.row
    config.update_from_flattened_dict(dict(trial.settings))
    return config


put_data = results.put_data
