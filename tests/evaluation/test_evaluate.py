import json

import keras
import numpy as np
import pytest
from sklearn import metrics as reference

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation import border, evaluate
from ltpa_tf.evaluation.pointing import pointing_hits
from ltpa_tf.layers import AttentionEstimator

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 32, 32, 3), np.uint8)
    # A bright square each, so that maps differ between images.
    corner = rng.integers(0, 24, (50, 2))
    boxes = np.concatenate([corner, corner + 8], 1)
    for image, (top, left, bottom, right) in zip(images, boxes, strict=True):
        image[top:bottom, left:right] = 255
    return data.array_split(images, rng.integers(0, 6, 50), boxes)


@pytest.fixture
def model():
    return models.build(
        "vgg_att2_concat_pc",
        num_classes=6,
        width=0.125,
        mean=(0.5, 0.5, 0.5),
        std=(0.3, 0.3, 0.3),
    )


def test_agrees_with_one_whole_forward_pass(model, split):
    outputs = models.attention_model(model)(split.array, training=False)
    logits = np.asarray(outputs["logits"], np.float64)
    result = evaluate(model, split, NAMES, batch_size=16)  # the last batch is padded

    probabilities = np.exp(logits - np.logaddexp.reduce(logits, 1)[:, None])
    assert result["examples"] == 50
    assert result["top1"] == reference.accuracy_score(split.labels, logits.argmax(1))
    assert result["nll"] == pytest.approx(
        -np.log(probabilities[np.arange(50), split.labels]).mean(), rel=1e-4
    )
    assert set(result["pointing"]) == {"level_10", "level_13", "chance"}
    assert result["pointing"]["chance"] == pytest.approx(64 / 1024)
    for level in ("level_10", "level_13"):
        hits = pointing_hits(np.asarray(outputs[level]), split.boxes, (32, 32))
        assert result["pointing"][level] == pytest.approx(hits.mean(), abs=1e-3)


def test_batch_size_changes_nothing(model, split):
    whole = evaluate(model, split, NAMES, batch_size=50)
    for batch_size in (7, 64):
        parts = evaluate(model, split, NAMES, batch_size=batch_size)
        assert parts["confusion"] == whole["confusion"]
        assert parts["nll"] == pytest.approx(whole["nll"], rel=1e-5)
        assert parts["pointing"] == pytest.approx(whole["pointing"])


def test_maps_and_boxes_belong_to_the_same_image(split):
    # This model attends to white, and only the box of its own image is white.
    image = keras.Input((32, 32, 3))
    to_white = AttentionEstimator("local", name="level_1")
    attended, _, _ = to_white(image)
    model = keras.Model(image, keras.layers.Dense(6)(attended))
    to_white.set_weights([np.full_like(to_white.get_weights()[0], 0.1)])

    pointing = evaluate(model, split, NAMES, batch_size=16)["pointing"]
    assert pointing["level_1"] == pytest.approx(1)
    wrong = data.array_split(split.array, split.labels, np.roll(split.boxes, 1, 0))
    pointing = evaluate(model, wrong, NAMES, batch_size=16)["pointing"]
    assert pointing["level_1"] < 0.3


def test_without_boxes_or_without_attention_there_is_no_pointing(model, split):
    bare = data.array_split(split.array, split.labels)
    assert "pointing" not in evaluate(model, bare, NAMES)
    plain = models.build("vgg", num_classes=6, width=0.125)
    assert "pointing" not in evaluate(plain, split, NAMES)


def test_independent_head_gives_log_probabilities(split):
    model = models.build("vgg_att2_indep_dp", num_classes=6, width=0.125)
    result = evaluate(model, split, NAMES)
    outputs = np.asarray(model(split.array, training=False), np.float64)
    expected = -outputs[np.arange(50), split.labels].mean()
    assert result["nll"] == pytest.approx(expected, rel=1e-4)


def test_reports_progress_and_is_json(model, split):
    seen = []
    result = evaluate(model, split, NAMES, batch_size=16, progress=seen.append)
    assert seen == [16, 16, 16, 2]
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_wrong_number_of_classes_is_refused(model, split):
    with pytest.raises(SettingError, match="6, one for each"):
        evaluate(model, split, NAMES[:3])


def test_empty_split_is_refused(model, split):
    empty = data.array_split(split.array[:0], split.labels[:0])
    with pytest.raises(SettingError, match="no examples"):
        evaluate(model, empty, NAMES)


def test_the_surest_mistakes_are_listed(model, split):
    result = evaluate(model, split, NAMES, batch_size=16)
    logits = np.asarray(model(split.array, training=False), np.float64)
    probabilities = np.exp(logits - np.logaddexp.reduce(logits, 1)[:, None])
    wrong = np.flatnonzero(logits.argmax(1) != split.labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(1))][:12]
    assert [one["index"] for one in result["mistakes"]] == surest.tolist()
    for one in result["mistakes"]:
        assert one["true"] == NAMES[split.labels[one["index"]]]
        assert one["predicted"] == NAMES[logits[one["index"]].argmax()]
        assert one["probability"] == pytest.approx(
            probabilities[one["index"]].max(), rel=1e-4
        )


def test_a_level_that_looks_at_the_border_is_told():
    maps = np.full((6, 8, 8), 1.0)
    maps[:, :, 0] = 5.0  # the left column
    maps[:3, 4, 4] = 9.0  # an object, in half of the images
    seen = border.Border()
    seen.update({"level_4": maps[:4] / 9, "level_9": np.ones((4, 2, 2))})
    seen.update({"level_4": maps[4:] * 7, "level_9": np.ones((2, 2, 2))})
    found = seen.result()
    assert set(found) == {"level_4"}
    assert (found["level_4"]["side"], found["level_4"]["peak"]) == ("left", True)
    mean = (maps / maps.mean((1, 2), keepdims=True)).mean(0)
    assert found["level_4"]["share"] == pytest.approx(mean[:, 0].mean())
    (sentence,) = border.warnings(found)
    assert sentence.startswith("level_4 looks at the image's left border, 3.")
    assert "model.padding=reflect" in sentence


def test_a_level_that_looks_at_objects_is_not():
    maps = np.full((2, 8, 8), 1.0)
    maps[:, :, 0] = 5.0
    maps[:, 4, 4] = 30.0  # in all images
    seen = border.Border()
    seen.update({"level_4": maps})
    assert border.warnings(seen.result()) == []
