import json

import numpy as np
import pytest
from sklearn import metrics as reference

from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.metrics import Classification, confidence_bin

NAMES = tuple("abcdefg")


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(NAMES) - 1, 500)  # no example of the last class
    logits = rng.normal(size=(500, len(NAMES))) * 3
    logits[np.arange(500), labels] += 2
    return logits.astype(np.float32), labels


def count(logits, labels, batch_size=500):
    counts = Classification(logits.shape[1])
    for start in range(0, len(labels), batch_size):
        part = slice(start, start + batch_size)
        counts.update(logits[part], labels[part])
    return counts


def test_agrees_with_scikit_learn(predictions):
    logits, labels = predictions
    result = count(*predictions).result(NAMES)
    every = np.arange(len(NAMES))
    exponentials = np.exp(logits.astype(np.float64))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    predicted = logits.argmax(1)

    assert result["examples"] == 500
    assert result["top1"] == reference.accuracy_score(labels, predicted)
    assert result["top5"] == pytest.approx(
        reference.top_k_accuracy_score(labels, probabilities, k=5, labels=every)
    )
    assert result["nll"] == pytest.approx(
        reference.log_loss(labels, probabilities, labels=every)
    )
    np.testing.assert_array_equal(
        result["confusion"],
        reference.confusion_matrix(labels, predicted, labels=every),
    )
    recalls = reference.recall_score(labels, predicted, average=None, labels=every[:-1])
    assert list(result["per_class"].values())[:-1] == pytest.approx(list(recalls))
    assert result["per_class"]["g"] is None


def test_calibration_error_by_hand():
    # Two classes. Confidences 0.9 (right), 0.9 (wrong) and 0.6 (right) fall into two
    # of the 15 bins: 2/3 * |0.5 - 0.9| + 1/3 * |1 - 0.6|.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    result = count(np.log(probabilities), np.array([0, 1, 1])).result(("a", "b"))
    assert result["ece"] == pytest.approx(2 / 3 * 0.4 + 1 / 3 * 0.4)
    assert result["nll"] == pytest.approx(-np.log([0.9, 0.1, 0.6]).mean())
    assert result["reliability"]["count"][13] == 2
    assert result["reliability"]["accuracy"][13] == 0.5
    assert result["reliability"]["confidence"][8] == pytest.approx(0.6)
    assert result["reliability"]["accuracy"][0] is None


def test_calibration_error_agrees_with_its_definition(predictions):
    logits, labels = predictions
    exponentials = np.exp(logits.astype(np.float64))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    expected = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert count(*predictions).result(NAMES)["ece"] == pytest.approx(expected)


def test_bins_are_open_below_and_closed_above():
    confidence = np.array([1e-9, 1 / 15, np.nextafter(1 / 15, 1), 14 / 15, 1.0])
    assert confidence_bin(confidence).tolist() == [0, 0, 1, 13, 14]


def test_result_does_not_depend_on_batches(predictions):
    whole = count(*predictions).result(NAMES)
    for batch_size in (1, 7, 499):
        parts = count(*predictions, batch_size=batch_size).result(NAMES)
        assert parts["confusion"] == whole["confusion"]
        for name in ("top1", "top5", "nll", "ece"):
            assert parts[name] == pytest.approx(whole[name], rel=1e-12), name


def test_equal_logits_earn_no_more_than_chance():
    labels = np.arange(7).repeat(10)
    result = count(np.zeros((70, 7)), labels).result(NAMES)
    assert result["top1"] == pytest.approx(1 / 7)
    assert result["top5"] == pytest.approx(5 / 7)


def test_log_probabilities_and_shifted_logits_give_the_same(predictions):
    logits, labels = predictions
    shifted = logits.astype(np.float64) + 1000
    assert count(shifted, labels).result(NAMES)["nll"] == pytest.approx(
        count(logits, labels).result(NAMES)["nll"]
    )


def test_the_top_five_of_five_classes_are_no_figure():
    assert "top5" not in count(np.eye(5), np.arange(5)).result(tuple("abcde"))
    assert "top5" in count(np.eye(6), np.arange(6)).result(tuple("abcdef"))


def test_figures_for_unequal_classes_agree_with_scikit_learn(predictions):
    logits, labels = predictions
    predicted = logits.argmax(1)
    result = count(*predictions).result(NAMES)
    there = np.arange(len(NAMES) - 1)
    for name in ("precision", "recall", "f1"):
        score = getattr(reference, f"{name}_score")
        arguments = {"labels": there, "zero_division": 0}
        mean = score(labels, predicted, average="macro", **arguments)
        each = score(labels, predicted, average=None, **arguments)
        assert result[name] == pytest.approx(mean)
        found = [one[name] for one in result["by_class"].values()]
        assert found[:-1] == pytest.approx(list(each))
        assert found[-1] is None
    counts = [one["examples"] for one in result["by_class"].values()]
    assert counts == np.bincount(labels, minlength=len(NAMES)).tolist()
    assert result["balanced_accuracy"] == result["recall"]
    assert "auc" not in result


def test_always_the_frequent_class_is_not_half_good():
    # 90 of a, 10 of b, "a" for all of them: accuracy 90%, and nothing learned.
    labels = np.repeat([0, 1], [90, 10])
    result = count(np.tile([1.0, 0.0], (100, 1)), labels).result(("a", "b"))
    assert result["top1"] == 0.9
    assert result["balanced_accuracy"] == 0.5
    assert result["auc"] == 0.5
    assert result["precision"] == pytest.approx(0.45)
    assert result["f1"] == pytest.approx(18 / 19 / 2)


def test_the_area_under_the_roc_curve_of_two_classes():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    logits = rng.normal(size=(200, 2)) * 20
    logits[:, 1] += 10 * labels
    # Some probabilities are 1 to the last digit; what ranks them are the logits.
    expected = reference.roc_auc_score(labels, logits[:, 1] - logits[:, 0])
    result = count(logits, labels, batch_size=7).result(("a", "b"))
    assert result["auc"] == pytest.approx(expected)
    alone = count(logits[labels == 1], labels[labels == 1]).result(("a", "b"))
    assert alone["auc"] is None


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(SettingError, match=f"labels: .*0 to 1.*Received: {label}"):
        count(np.eye(2), np.array([0, label]))


def test_result_is_json(predictions):
    result = count(*predictions).result(NAMES)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_outputs_that_are_no_numbers_are_refused():
    with pytest.raises(SettingError, match="finite"):
        count(np.array([[0.0, np.nan]]), np.array([0]))
