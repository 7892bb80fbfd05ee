"""Runs whose model attends to a network made elsewhere, named by the config."""

import json
import shutil

import keras
import keras_tuner
import numpy as np
import pytest
from light import small_batches
from shared import unchanged

from ltpa_tf import config as configuration
from ltpa_tf import data, explain, models, serving, tuning
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.run_evaluation import evaluate_run
from ltpa_tf.explain.run_pictures import explain_run
from ltpa_tf.models.backbones.graph import applied
from ltpa_tf.run import RunFolder
from ltpa_tf.serving.run_export import export_run
from ltpa_tf.training import train
from ltpa_tf.training.model import configured_model

IMAGES = {"image_shape": (64, 64, 3), "num_classes": 4, "mean": None, "std": None}


def network(*first):
    """Two strides behind these layers, which may say what pixels are expected."""
    conv = keras.layers.Conv2D
    layers = [keras.layers.BatchNormalization(momentum=0.5), keras.layers.ReLU()]
    return keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            *first,
            conv(8, 5, strides=4, padding="same"),
            *layers,
            conv(12, 3, strides=2, padding="same", name="middle"),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.ReLU(name="end"),
        ],
        name="own",
    )


def make_config(**settings):
    config = common.get_config()
    config.update_from_flattened_dict(
        {
            "data.train_examples": 128,
            "train.epochs": 1,
            "train.batch_size": 32,
            "model.dropout": 0.0,
            "runtime.strategy": "none",
            "log.images": 1,
            **{key.replace("__", "."): value for key, value in settings.items()},
        }
    )
    return config


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "own.keras"
    network(keras.layers.Rescaling(1 / 255)).save(path)
    return path


@pytest.fixture(scope="module")
def ran(file, tmp_path_factory):
    """A finished run that attends to the network in the file."""
    folder = tmp_path_factory.mktemp("run") / "run"
    train(make_config(model__backbone=str(file)), folder)
    with unchanged(folder):
        yield RunFolder(folder)


def test_the_networks_own_weights_are_what_training_starts_from(file):
    config = make_config(model__backbone=str(file))
    model = configured_model(config, **{**IMAGES, "image_shape": (48, 48, 3)})
    assert [x.name for x in models.estimators(model)] == ["level_4", "level_8"]
    expected = keras.models.load_model(file).get_layer("middle").kernel
    np.testing.assert_array_equal(model.get_layer("middle").kernel, expected)


def test_evaluate_explain_export_and_predict(ran, tmp_path):
    ran = RunFolder(shutil.copytree(ran.path, tmp_path / "run"))
    found = evaluate_run(ran)
    assert found["examples"] == 2000
    assert {"level_4", "level_8"} <= set(json.dumps(found).split('"'))
    pictures = explain_run(ran, count=2)
    assert pictures[0].name == "attention.png"
    export_run(ran, small_batches(tmp_path / "exported"))
    images = data.load("digits").test.array[:3]
    predicted = serving.Predictor.from_saved_model(tmp_path / "exported").predict(
        images
    )
    shown = explain.explain(ran.load_model(), images)
    for one, other in zip(predicted, shown, strict=True):
        np.testing.assert_allclose(
            one.probabilities, other.probabilities, rtol=0, atol=1e-5
        )
        np.testing.assert_allclose(one.maps[4], other.maps["level_4"], atol=1e-5)


def test_a_run_needs_its_network_no_more_once_it_has_ended(ran, file, tmp_path):
    again = make_config(model__backbone=str(file))
    assert train(again, ran.path)["epochs"] == 1  # says that it is complete
    warm = make_config(model__backbone=str(file), train__init_from=str(ran.path))
    train(warm, tmp_path / "warm")


def test_a_network_that_does_not_tell_its_pixels_is_asked_for_them(tmp_path):
    file = tmp_path / "own.keras"
    network().save(file)
    config = make_config(model__backbone=str(file))
    with pytest.raises(SettingError, match=r"model\.preprocessing.*tf, torch, caffe"):
        configured_model(config, **{**IMAGES, "image_shape": (48, 48, 3)})
    config.model.preprocessing = "torch"
    model = configured_model(config, **{**IMAGES, "image_shape": (48, 48, 3)})
    white = model.get_layer("pixels")(np.full((1, 1, 1, 3), 255.0))
    expected = (1 - np.array((0.485, 0.456, 0.406))) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(np.ravel(white), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("vgg_att_pc", ["level_32"]),
        ("vgg_att2_concat_pc", ["level_16", "level_32"]),
        ("vgg_att3_concat_pc", ["level_8", "level_16", "level_32"]),
        ("vgg_none", []),
    ],
)
def test_the_row_says_how_many_levels(name, levels):
    config = make_config(model__backbone="MobileNet", model__name=name)
    configuration.validate(config)
    model = configured_model(config, **IMAGES)
    assert [x.name for x in models.estimators(model)] == levels


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("name", "vgg_pan", "model.name: .*Received: 'vgg_pan'"),
        ("name", "ram", "model.name: .*Received: 'ram'"),
        ("gates", (10,), "model.gates"),
        ("depth", 11, "model.depth"),
        ("trunk", "fast", "model.trunk"),
        ("initial_values", "torch", "model.initial_values"),
    ],
)
def test_what_is_of_a_row_s_own_trunk_is_refused(key, value, named):
    config = make_config(model__backbone="mobilenet")
    config.model[key] = value
    with pytest.raises(SettingError, match=named):
        configuration.validate(config)


def test_settings_of_a_row_hold_for_its_attention():
    config = make_config(model__backbone="mobilenet", model__levels=(8, "conv_pw_11"))
    config.update_from_flattened_dict(
        {"model.compatibility": "dp", "model.normalization": "sigmoid"}
    )
    configuration.validate(config)
    model = configured_model(config, **IMAGES)
    found = {
        x.name: (x.compatibility, x.normalization) for x in models.estimators(model)
    }
    assert found == {
        "level_8": ("dp", "sigmoid"),
        "level_conv_pw_11": ("dp", "sigmoid"),
    }


def test_published_weights_by_their_path(tmp_path):
    # As Keras publishes them: in the old format, without the classifier.
    arguments = {"include_top": False, "weights": None, "input_shape": (64, 64, 3)}
    source = keras.applications.MobileNet(**arguments)
    for name in ("weights.h5", "own.weights.h5", "own.keras"):
        path = tmp_path / name
        source.save_weights(path) if "weights.h5" in name[1:] else source.save(path)
        backbone = models.named_backbone("mobilenet", str(path), (64, 64, 3))
        for one, other in zip(backbone.weights, source.weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_efficientnets_published_weights_are_divided_twice(tmp_path):
    # weights="imagenet" adds a layer for them; a path to the same file does not.
    source = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    norm = source.get_layer(index=2)
    mean, std = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))
    norm.adapt_mean.assign(mean)
    norm.adapt_variance.assign(std)
    norm.finalize_state()
    path = tmp_path / "efficientnetb0_notop.h5"
    source.save(path)
    backbone = models.named_backbone("efficientnetb0", str(path), (32, 32, 3))
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("float32")
    start = keras.Input((32, 32, 3))
    calls = applied(backbone, start)
    into = next(c.inputs[0] for c in calls if c.layer.name == "stem_conv_pad")
    found = keras.Model(start, into)(images)
    np.testing.assert_allclose(found, (images / 255 - mean) / std, atol=1e-4)


def test_without_a_network_it_says_which_file_to_bring(monkeypatch, tmp_path):
    def fetch(fname, origin, **kwargs):
        raise Exception(f"URL fetch failure on {origin}: None -- unreachable")

    monkeypatch.setattr("keras.src.applications.mobilenet.file_utils.get_file", fetch)
    address = r"https://storage\.googleapis\.com/\S+/mobilenet_1_0_224_tf_no_top\.h5"
    with pytest.raises(SettingError, match=address) as error:
        models.named_backbone("mobilenet", "imagenet", (224, 224, 3))
    assert error.value.setting == "backbone_weights"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"backbone": "mobilnet"}, r"model\.backbone.*mobilenet, mobilenetv2"),
        ({"backbone": "gone.keras"}, r"model\.backbone.*that is there"),
        ({"backbone_weights": "gone.h5"}, r"model\.backbone_weights.*that is there"),
        ({"trunk": "fast"}, r"model\.trunk.*None while model\.backbone"),
        ({"global_feature": "max"}, r"model\.global_feature.*None while model\.back"),
        ({"descriptor": "max"}, r"model\.descriptor.*attended, attended_and_max"),
        ({"width": 0.5}, r"model\.width.*1\.0 while model\.backbone"),
        ({"receptive_field": 0.2}, r"model\.receptive_field.*0\.0 while"),
        ({"levels": (8.5,)}, r"model\.levels.*strides"),
        ({"compatibility": "cosine"}, r"model\.compatibility.*pc, dp"),
        ({"preprocessing": "keras"}, r"model\.preprocessing.*auto, none"),
    ],
)
def test_what_does_not_go_with_a_backbone_is_refused_at_once(settings, said):
    config = make_config(model__backbone="mobilenet")
    config.model.update(settings)
    with pytest.raises(SettingError, match=said):
        configuration.validate(config)


def test_images_too_small_for_it_are_refused():
    config = make_config(model__backbone="inceptionv3")
    with pytest.raises(SettingError, match=r"data\.image_size.*at least 75x75"):
        configured_model(config, **IMAGES)


def test_the_tuner_searches_it(file):
    config = make_config(model__backbone=str(file), optimizer__schedule="constant")
    space = [tuning.choice("model.levels", (4,), (8,), (4, 8))]
    shape = {"image_shape": (48, 48, 3), "num_classes": 3}
    hypermodel = tuning.HyperModel(config, space, **shape)
    found = keras_tuner.HyperParameters()
    model = hypermodel.build(found)
    assert model.compiled
    assert "model.levels" in found.values
    assert [x.name for x in models.estimators(model)] == ["level_4"]
