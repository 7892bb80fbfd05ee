"""All measures of a small model's maps, and what must hold of any model's."""

import json

import numpy as np
import pytest

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.intervals import interval
from ltpa_tf.evaluation.map_measures import measure_maps

NAMES = ("attention", "evidence")
EXAMPLES = 4


@pytest.fixture(scope="module")
def model():
    return models.build(
        "vgg_att2_concat_pc",
        trunk="faster",
        levels=(2, 4),
        width=1 / 16,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
    )


@pytest.fixture(scope="module")
def split():
    return data.load("digits").test


@pytest.fixture(scope="module")
def measured(model, split):
    saved = []
    result = measure_maps(
        model,
        split,
        NAMES,
        examples=EXAMPLES,
        save=lambda r: saved.append(json.dumps(r)),
    )
    return result, saved


def test_baselines_score_what_they_must(measured, split):
    result, _ = measured
    top, left, bottom, right = split.boxes[
        np.arange(EXAMPLES) * len(split) // EXAMPLES
    ].T
    share = ((bottom - top) * (right - left)).mean() / np.prod(split.shape[:2])
    chance = result["methods"]["chance"]["chance"]
    for measure in ("pointing", "energy", "top_k"):
        assert chance[measure][0] == pytest.approx(share)
    assert chance["iou_otsu"][0] == 0  # nothing of a flat map is above a threshold
    assert chance["iou_best"][0] == pytest.approx(share)  # the whole image
    assert set(result["methods"]) == {"chance", "centre", *NAMES}
    assert chance["mu_fidelity"] == [0, 0, 0]


def test_every_map_has_every_measure(measured):
    result, saved = measured
    of_attention = result["methods"]["attention"]
    assert set(of_attention) == {
        "attention_2",
        "attention_4",
        "attention_mean",
        "attention_product",
        "attention_smooth",
    }
    assert set(result["methods"]["evidence"]) == {
        "evidence_2",
        "evidence_4",
        "evidence",
        "evidence_smooth",
    }
    for measures in (*of_attention.values(), *result["methods"]["evidence"].values()):
        for name, value in measures.items():
            if name not in ("threshold_best", "sanity"):
                mean, low, high = value
                assert -1 <= low <= mean <= high <= 1, name
        assert len(measures["sanity"]) == 3
    # The last layer with weights is the classifier, on which attention doesn't rest.
    assert of_attention["attention_2"]["sanity"][0] == pytest.approx(1)
    assert of_attention["attention_2"]["sanity"][2] < 0.9
    assert [len(json.loads(one)["methods"]) for one in saved] == [1, 2, 3, 4, 4]
    assert set(result["agreement"]) == {
        "centre",
        *of_attention,
        *result["methods"]["evidence"],
    }
    assert json.loads(saved[-1]) == result


def test_what_was_measured_is_not_measured_again(model, split, measured):
    result, saved = measured
    started = []
    again = measure_maps(
        model,
        split,
        NAMES,
        examples=EXAMPLES,
        known=json.loads(saved[-1]),
        progress=started.append,
    )
    assert started == []
    assert again == result


def test_some_measures_are_what_all_have_of_them(model, split, measured):
    result, saved = measured
    known = json.loads(saved[-1])
    some = measure_maps(
        model, split, NAMES, measures=["boxes"], examples=EXAMPLES, known=known
    )
    kept = some["methods"]["evidence"]["evidence_2"]
    assert set(kept) < set(result["methods"]["evidence"]["evidence_2"])
    assert "pointing" in kept and "deletion" not in kept and "sanity" not in kept
    for name, value in kept.items():
        assert value == result["methods"]["evidence"]["evidence_2"][name]
    with pytest.raises(SettingError, match="--map_measures: .*Received: 'box'"):
        measure_maps(model, split, NAMES, measures=["box"], progress=pytest.fail)


@pytest.mark.parametrize(
    ("names", "examples", "said"),
    [
        (NAMES, 10**6, "--map_examples: expected 1 to.*Received: 1000000"),
        (NAMES, 0, "--map_examples: .*Received: 0"),
        (("atention",), 4, "--maps: expected attention.*Received: 'atention'"),
    ],
)
def test_a_mistake_is_told_before_any_work(model, split, names, examples, said):
    with pytest.raises(SettingError, match=said):
        measure_maps(model, split, names, examples=examples, progress=pytest.fail)


def test_intervals_hold_the_mean_of_what_was_drawn_from():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        mean, low, high = interval(rng.random(50) < 0.3, resamples=200)
        assert low <= mean <= high
        held += low <= 0.3 <= high
    assert 85 <= held <= 100
    assert interval(np.ones(9)) == [1, 1, 1]
