"""The model card says what is known, and what isn't."""

import pytest

from ltpa_tf.files import write_json
from ltpa_tf.run import RunFolder
from ltpa_tf.serving.card import facts_of, model_card
from ltpa_tf.serving.signatures import Signatures


@pytest.fixture(scope="module")
def signatures(build, class_names):
    return Signatures(build(), class_names)


FACTS = {
    "dataset": {
        "name": "zoo",
        "fingerprint": "abc123",
        "sizes": {"train": 12_345, "test": 678},
    },
    "config": {
        "model": {"name": "vgg_att_pc", "width": 0.125, "dropout": 0.5},
        "augment": {"crop": 4, "cutmix": 0.0, "cutmix_share": 1.0},
        "optimizer": {
            "learning_rate": 0.1,
            "weight_decay": 0.0,
            "muon_factor": 0.6,
            "schedule": "cosine",
            "step_factor": 0.5,
        },
    },
    "summary": {"weights_sha256": "f00d"},
    "evaluations": [
        {
            "examples": 678,
            "split": "test",
            "top1": 0.98765,
            "top5": 1.0,
            "balanced_accuracy": 0.912,
            "auc": None,
            "nll": 0.0456,
            "ece": 0.012,
            "pointing": {"level_4": 0.961, "chance": 0.17},
        },
    ],
}


def test_what_is_known_is_said(signatures):
    card = model_card("animals", 3, signatures, FACTS)
    for fact in (
        "# animals, version 3",
        "`zoo`",
        "abc123",
        "12,345 images",
        "| model.width | 0.125 |",
        "| augment.crop | 4 |",
        "| optimizer.learning_rate | 0.1 |",
        "f00d",
        "98.77%",
        "0.0456",
        "1.20%",
        "balanced accuracy | 91.20%",
        "level 4 | 96.10%",
        "chance | 17.00%",
        "levels 2, 4",
        "32x32",
        "döner",
    ):
        assert fact in card
    assert "weight_decay" not in card  # off
    assert "step_factor" not in card  # of another schedule
    assert "muon_factor" not in card  # of another optimizer
    assert "cutmix" not in card  # off
    assert "Unknown" not in card


def test_figures_that_an_evaluation_lacks_are_left_out(signatures):
    few = {**FACTS["evaluations"][0], "auc": 0.8765}
    del few["top5"], few["balanced_accuracy"]
    card = model_card("animals", 1, signatures, {**FACTS, "evaluations": [few]})
    assert "ROC curve | 0.8765" in card
    assert "top-5" not in card
    assert "balanced" not in card


def test_every_evaluation_is_told_with_its_data(signatures):
    (own,) = FACTS["evaluations"]
    other = {**own, "examples": 14, "top1": 0.5, "data": "photos-12345678"}
    card = model_card("animals", 1, signatures, {**FACTS, "evaluations": [own, other]})
    first, second = card.partition("On 14 other images, `photos-12345678`:")[::2]
    assert "On 678 images of the test part:" in first
    assert "98.77%" in first
    assert "50.00%" in second


def test_what_is_unknown_is_said_too(signatures):
    card = model_card("animals", 1, signatures, {})
    assert card.count("Unknown.") == 2
    assert "Not evaluated." in card


@pytest.mark.parametrize("weights", ["final", "best"])
def test_only_what_was_measured_of_these_weights_is_said(signatures, tmp_path, weights):
    run = RunFolder(tmp_path)
    write_json(run.config_file, FACTS["config"])
    write_json(run.summary_file, FACTS["summary"])
    (measured,) = FACTS["evaluations"]
    assert "Not evaluated." in model_card("a", 1, signatures, facts_of(run, weights))
    for top1, evaluated in ((0.98765, "final"), (0.8765, "best")):
        found = {**measured, "weights": evaluated, "top1": top1}
        write_json(run.evaluation(evaluated), found)
    card = model_card("animals", 1, signatures, facts_of(run, weights))
    assert f"the run's {weights} ones" in card
    assert ("98.77%" in card) == (weights == "final")
    assert ("87.65%" in card) == (weights == "best")
    assert ("f00d" in card) == (weights == "final")


def test_the_one_evaluation_of_an_earlier_version_is_of_its_weights(
    signatures, tmp_path
):
    run = RunFolder(tmp_path)
    (measured,) = FACTS["evaluations"]
    write_json(run.evaluation_file, {**measured, "weights": "best"})
    card = model_card("animals", 1, signatures, facts_of(run, "final"))
    assert "Not evaluated." in card
    assert "98.77%" in model_card("a", 1, signatures, facts_of(run, "best"))


def test_maps_are_explained_where_there_are_any(signatures, build, class_names):
    plain = Signatures(build(levels=()), class_names)
    assert "What the maps mean" in model_card("animals", 1, signatures, {})
    assert "What the maps mean" not in model_card("animals", 1, plain, {})
