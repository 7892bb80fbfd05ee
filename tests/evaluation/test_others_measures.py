"""Our measures beside those of Quantus 0.6 and Xplique 2.0, on one model's maps.

Where a library is known to need care (channels of ROAD, the size of MuFidelity's
sets) it is asked in the way that is right; the comments say how.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from ltpa_tf import data, models
from ltpa_tf.evaluation import faithfulness, localization, sanity
from ltpa_tf.evaluation.grid_pointing import grid_pointing, mosaics_of
from ltpa_tf.evaluation.pointing import box_mask
from ltpa_tf.explain.methods import compute, methods

pytestmark = pytest.mark.filterwarnings("ignore")
COUNT = 12


@pytest.fixture(scope="module")
def quantus():
    return pytest.importorskip("quantus", reason="quantus is not installed")


@pytest.fixture(scope="module")
def xplique():
    pytest.importorskip("xplique.attributions", reason="xplique is not installed")
    import xplique.metrics

    return xplique.metrics


@pytest.fixture(scope="module")
def split():
    return data.load("digits").test


@pytest.fixture(scope="module")
def images(split):
    return np.asarray(split.images(np.arange(COUNT), np.int64(0)), np.float32)


@pytest.fixture(scope="module")
def masks(split):
    return box_mask(split.boxes[:COUNT], split.shape[:2])


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return models.build(
        "vgg_att2_concat_pc", trunk="faster", levels=(2, 4), width=1 / 16
    )


@pytest.fixture(scope="module")
def predict(model):
    def predict(batch):
        return np.asarray(tf.nn.softmax(model(batch, training=False)))

    return predict


@pytest.fixture(scope="module")
def classes(predict, images):
    return predict(images).argmax(1)


@pytest.fixture(scope="module", params=["attention_smooth", "evidence", "saliency"])
def maps(request, model, images):
    (method,) = methods(model, [request.param.partition("_")[0]])
    return compute(model, images, method, batch_size=COUNT)[request.param]


def test_boxes_as_quantus(quantus, maps, masks):
    positive = np.maximum(maps, 0)
    for measure, theirs, given in (
        (localization.pointing, quantus.PointingGame, maps),
        (localization.energy, quantus.RelevanceMassAccuracy, positive),
        (localization.top_k, quantus.RelevanceRankAccuracy, maps),
    ):
        expected = theirs(disable_warnings=True).evaluate_batch(
            a_batch=given, s_batch=masks
        )
        np.testing.assert_allclose(measure(maps, masks), expected, rtol=1e-5)


def test_highest_pixels_as_quantus(quantus, maps, masks):
    for i in range(COUNT):
        top = quantus.TopKIntersection(int(masks[i].sum()), disable_warnings=True)
        one = slice(i, i + 1)
        expected = top.evaluate_batch(a_batch=maps[one], s_batch=masks[one])
        found = localization.top_k(maps[one], masks[one])
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_deletion_and_insertion_as_xplique(
    xplique, predict, model, images, classes, maps
):
    def mean(batch):
        return np.broadcast_to(batch.mean((1, 2), keepdims=True), batch.shape)

    def blurred(batch):
        return ndimage.gaussian_filter(batch, (0, 4, 4, 0), mode="nearest")

    targets = np.eye(10, dtype=np.float32)[classes]
    for measure, theirs, baseline in (
        (faithfulness.deletion, xplique.Deletion, mean),
        (faithfulness.insertion, xplique.Insertion, blurred),
    ):
        expected = theirs(
            model,
            images,
            targets,
            baseline_mode=baseline,
            steps=16,
            activation="softmax",
        )(maps)
        found = measure(predict, images, classes, maps, steps=16)
        assert found.mean() == pytest.approx(expected, rel=1e-4)


def test_mu_fidelity_as_xplique(
    xplique, predict, model, images, classes, maps, monkeypatch
):
    """With our sets: theirs draw each cell for itself, so that sizes differ."""
    rng = np.random.default_rng(0)
    kept = rng.random((64, 64)).argsort(1) >= round(0.2 * 64)
    kept = kept.reshape(64, 8, 8).repeat(4, 1).repeat(4, 2)
    kept = tf.constant(kept[None, ..., None], tf.float32)

    def perturbed(self, inputs, count):
        mean = tf.reduce_mean(inputs, (1, 2), keepdims=True)[:, None]
        without = inputs[:, None] * kept + (1 - kept) * mean
        return tf.reshape(without, (-1, 32, 32, 3)), tf.repeat(kept, len(inputs), 0)

    monkeypatch.setattr(xplique.MuFidelity, "_perturb_samples", perturbed)
    expected = xplique.MuFidelity(
        model,
        images,
        np.eye(10, dtype=np.float32)[classes],
        nb_samples=64,
        activation="softmax",
    )(maps)
    found = faithfulness.mu_fidelity(predict, images, classes, maps)
    assert found.mean() == pytest.approx(expected, abs=1e-3)


def test_road_fills_in_as_quantus(quantus, images, maps, monkeypatch):
    from quantus.functions.perturb_func import noisy_linear_imputation

    monkeypatch.setattr(faithfulness, "_NOISE", 0)
    neighbours = faithfulness._neighbours(32, 32)
    rng = np.random.default_rng(0)
    for image, values in zip(images, maps, strict=True):
        highest = np.argsort(-values.ravel())[:400]
        gone = np.zeros(32 * 32, bool)
        gone[highest] = True
        found = faithfulness._filled(image, gone.reshape(32, 32), neighbours, rng)
        first = np.moveaxis(image, -1, 0)
        expected = noisy_linear_imputation(first, highest, noise=0)
        np.testing.assert_allclose(np.moveaxis(found, -1, 0), expected, atol=1e-3)


def test_road_as_quantus(quantus, images, classes, maps, monkeypatch):
    """Theirs counts right answers, of images of one channel, in one batch."""
    monkeypatch.setattr(faithfulness, "_NOISE", 0)
    rng = np.random.default_rng(0)
    grey, maps = images[:, 6:26, 6:26, :1], maps[:, 6:26, 6:26].astype(np.float64)
    maps += 1e-12 * rng.random(maps.shape)  # equal pixels would go in other orders
    weights = rng.normal(size=(400, 6))

    def answers(batch):
        return np.eye(6)[np.argmax(batch.reshape(-1, 400) @ weights, 1)]

    class Model:
        predict = staticmethod(answers)

        def shape_input(self, batch, *args, **kwargs):
            return batch

    labels = answers(grey).argmax(1)
    road = quantus.ROAD(percentages=[10, 30, 50, 70], noise=0, disable_warnings=True)
    road.a_size = 400
    (expected,) = road.evaluate_batch(
        model=Model(),
        x_batch=np.moveaxis(grey, -1, 1),
        y_batch=labels,
        a_batch=maps[:, None],
    )
    found = faithfulness.road(
        answers,
        grey,
        labels,
        maps,
        highest_first=True,
        shares=(0.1, 0.3, 0.5, 0.7),
    )
    np.testing.assert_allclose(found, expected.mean(1))
    assert 0 < found.mean() < 1


def test_rank_correlation_as_both(quantus, xplique, maps):
    from quantus.functions.similarity_func import correlation_spearman
    from xplique.metrics.randomization import batched_spearman

    other = np.roll(maps, 1, 0).round(3)  # with ties
    found = sanity.rank_correlation(maps, other)
    theirs = [
        correlation_spearman(a.ravel(), b.ravel())
        for a, b in zip(maps, other, strict=True)
    ]
    np.testing.assert_allclose(found, theirs, atol=1e-6)
    theirs = batched_spearman(*(x.reshape(COUNT, -1) for x in (maps, other)))
    np.testing.assert_allclose(found, theirs, atol=1e-4)


def test_grid_pointing_as_quantus(quantus, model, images, classes):
    """Each class of a grid by itself, the mask of its image drawn by hand."""
    kinds = np.arange(COUNT) % 6
    mosaics, shown = mosaics_of(images.astype(np.uint8), kinds, np.ones(COUNT), 2, 2)

    def make(model, size):
        return methods(model, ["evidence"], size=size)[0]

    anywhere = models.of_any_size(model)
    (found,) = (
        values
        for name, values in grid_pointing(anywhere, make, mosaics, shown).items()
        if name == "evidence"
    )
    method = make(anywhere, mosaics.shape[1:3])
    expected = []
    for mosaic, answers in zip(mosaics, shown, strict=True):
        for row, column in np.ndindex(2, 2):
            asked = answers[row, column][None]
            maps = compute(anywhere, mosaic[None], method, asked)["evidence"]
            mask = np.zeros((1, 64, 64), bool)
            mask[:, 32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = True
            share = quantus.RelevanceMassAccuracy(disable_warnings=True)
            expected += share.evaluate_batch(
                a_batch=np.maximum(maps, 0), s_batch=mask
            ).tolist()
    # A map without anything positive is 0 here, and theirs has no answer.
    np.testing.assert_allclose(found, np.nan_to_num(expected), rtol=1e-5)
    assert len(found) == 8


@pytest.mark.parametrize("count", [1, 5, 19])
def test_layers_drawn_anew_as_xplique(xplique, model, images, classes, count):
    """From the last to the first; the draw itself is ours: theirs is never negative."""
    from xplique.metrics.randomization import (
        ModelRandomizationMetric,
        ProgressiveLayerRandomization,
    )

    # Theirs rounds down, and ours to the nearest.
    share = min(1.0, (count + 0.25) / sum(bool(one.weights) for one in model.layers))
    theirs = keras.models.clone_model(model)
    theirs.set_weights(model.get_weights())
    ProgressiveLayerRandomization(share).randomize(theirs)
    fresh = sanity.randomized(model, share)
    others = {layer.name for layer in model.layers if _differs(layer, theirs)}
    drawn = {layer.name for layer in model.layers if _differs(layer, fresh)}
    # Batch norms that haven't trained and zero biases are what they were.
    assert drawn and drawn <= others

    class Explainer:
        def explain(self, inputs, targets):
            (method,) = methods(self.model, ["saliency"])
            answers = np.argmax(targets, 1)
            return compute(self.model, np.asarray(inputs), method, answers)["saliency"]

    class Ours:
        def randomize(self, model):
            model.set_weights(fresh.get_weights())

    explainer = Explainer()
    explainer.model = model
    targets = np.eye(10, dtype=np.float32)[classes]
    metric = ModelRandomizationMetric(model, images, targets, Ours())
    before = explainer.explain(images, targets)
    explainer.model = fresh
    after = explainer.explain(images, targets)
    explainer.model = model
    found = sanity.rank_correlation(before, after).mean()
    assert found == pytest.approx(metric.evaluate(explainer), abs=1e-4)


def _differs(layer, model):
    others = model.get_layer(layer.name).get_weights()
    pairs = zip(layer.get_weights(), others, strict=True)
    return any(not np.array_equal(one, other) for one, other in pairs)
