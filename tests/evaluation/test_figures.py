import numpy as np
import pytest
from PIL import Image

from ltpa_tf.evaluation import figures, save_figures
from ltpa_tf.evaluation.metrics import Classification


def result(classes, examples=200, empty=0):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes - empty, examples)
    logits = rng.normal(size=(examples, classes)) + 3 * np.eye(classes)[labels]
    counts = Classification(classes)
    counts.update(logits, labels)
    return counts.result(tuple(f"class_{i} of $ {classes}" for i in range(classes)))


@pytest.mark.parametrize("classes", [2, 10, 100, 300])
def test_readable_sizes(tmp_path, classes):
    files = save_figures(result(classes), tmp_path / "evaluation")
    assert [file.name for file in files] == [
        "confusion.png",
        "per_class.png",
        "reliability.png",
    ]
    for file in files:
        with Image.open(file) as picture:
            assert 300 < picture.width < 4000
            assert 150 < picture.height < 4000
    assert len(list((tmp_path / "evaluation").iterdir())) == 3


def test_confusion_shows_shares_and_counts():
    metrics = result(3, 50)
    axes = figures.confusion_figure(metrics).axes[0]
    counts = np.array(metrics["confusion"])
    np.testing.assert_allclose(
        axes.images[0].get_array(), counts / counts.sum(1, keepdims=True)
    )
    for text in axes.texts:
        if text.get_text().isdigit():
            column, row = text.get_position()
            assert int(text.get_text()) == counts[row, column]


def test_classes_are_ranked_and_those_without_examples_left_out():
    metrics = result(10, empty=2)
    axes = figures.per_class_figure(metrics).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    lengths = [bar.get_width() for bar in axes.patches]
    assert len(names) == 8
    assert lengths == sorted(lengths, reverse=True)
    assert lengths == [metrics["per_class"][name] for name in names]


def test_reliability_shows_the_filled_bins():
    metrics = result(5)
    upper, lower = figures.reliability_figure(metrics).axes
    bins = metrics["reliability"]
    filled = [i for i, count in enumerate(bins["count"]) if count]
    x, y = upper.lines[1].get_data()
    assert list(x) == [bins["confidence"][i] for i in filled]
    assert list(y) == [bins["accuracy"][i] for i in filled]
    assert sum(bar.get_height() for bar in lower.patches) == pytest.approx(1)
