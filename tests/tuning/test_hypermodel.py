"""The hypermodel in a keras-tuner search of one's own."""

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config as tf_config

from ltpa_tf import optimizers
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning import HyperModel, choice, log

pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread|getName:DeprecationWarning"
)

SPACE = (
    log("optimizer.learning_rate", 0.01, 0.1),
    choice("model.head", "concat", "indep"),
    choice("train.batch_size", 8, 16),
)


def make(config, space=SPACE, **arguments):
    arguments = {"steps_per_epoch": 2} | arguments
    return HyperModel(
        config, space, image_shape=(32, 32, 3), num_classes=3, **arguments
    )


@pytest.fixture
def examples():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (32, 32, 32, 3)).astype("float32")
    return images, keras.utils.to_categorical(random.integers(0, 3, 32), 3)


def test_in_a_random_search(tiny_config, examples, tmp_path):
    tiny_config.model.batch_norm = True  # without, some of these rates diverge
    tuner = keras_tuner.RandomSearch(
        make(tiny_config),
        objective="val_accuracy",
        max_trials=2,
        seed=1,
        directory=tmp_path,
    )
    tuner.search(*examples, validation_data=examples, verbose=0)
    trials = tuner.oracle.get_best_trials(2)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 2
    best = tuner.get_best_hyperparameters()[0]
    assert set(best.values) == {item.key for item in SPACE}
    model = tuner.get_best_models()[0]
    assert model.predict(examples[0], verbose=0).shape == (32, 3)


def test_settings_reach_the_compiled_model(tiny_config):
    tiny_config.model.batch_norm = True
    tiny_config.train.label_smoothing = 0.2
    tiny_config.train.clip_norm = 0.5
    tiny_config.optimizer.weight_decay = 0.01
    hypermodel = make(tiny_config, mean=(0.4,) * 3, std=(0.2,) * 3)
    hp = keras_tuner.HyperParameters()
    hp.Fixed("unrelated", 1)
    model = hypermodel.build(hp)
    # The config's 0.05 is the range's default; cosine over 1 epoch of 2 steps.
    rate = model.optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(0.05)
    assert float(rate(1)) == pytest.approx(0.025)
    assert model.optimizer.global_clipnorm == 0.5
    assert model.optimizer.weight_decay == 0.01
    assert model.loss.label_smoothing == 0.2
    assert any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)
    bias = next(v for v in model.trainable_variables if v.name == "beta")
    kernel = next(v for v in model.trainable_variables if v.name == "kernel")
    assert model.optimizer._use_weight_decay(kernel)
    assert not model.optimizer._use_weight_decay(bias)


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("name", [n for n in optimizers.names() if n != "sgd_muon"])
def test_every_optimizer_can_be_had_with_weight_decay_and_without(
    tiny_config, name, decay
):
    tiny_config.optimizer.name, tiny_config.optimizer.weight_decay = name, decay
    optimizer = make(tiny_config).build(keras_tuner.HyperParameters()).optimizer
    assert type(optimizer).__name__.lower() == name
    found = {k: v for k, v in optimizer.get_config().items() if "weight_decay" in k}
    assert {value or 0.0 for value in found.values()} == {decay}


@pytest.mark.parametrize("initial", ["keras", "torch"])
def test_a_model_starts_as_the_config_says(tiny_config, initial):
    """Torch7 draws batch norm's gamma from 0 to 1, Keras begins with 1."""
    tiny_config.model.batch_norm = True
    tiny_config.model.initial_values = initial
    model = make(tiny_config).build(keras_tuner.HyperParameters())
    gammas = [np.array(v) for v in model.trainable_variables if v.name == "gamma"]
    assert (np.concatenate(gammas) == 1).all() == (initial == "keras")


@pytest.fixture
def any_kernels():
    """As in a new process: Keras leaves XLA out once a run was deterministic."""
    before = tf_config.is_op_determinism_enabled()
    tf_config.disable_op_determinism()
    yield
    if before:
        tf_config.enable_op_determinism()


@pytest.mark.usefixtures("any_kernels")
@pytest.mark.parametrize(("setting", "jit"), [("auto", False), ("on", True)])
def test_xla_compiles_on_a_cpu_where_it_is_asked_for_alone(tiny_config, setting, jit):
    tiny_config.runtime.jit = setting
    model = make(tiny_config).build(keras_tuner.HyperParameters())
    assert model.jit_compile == jit


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ([choice("augment.crop", 0, 4)], "augment.crop"),
        ([choice("train.ema", 0.0, 0.9)], "train.ema"),
    ],
)
def test_what_fit_cannot_honour_is_refused(tiny_config, space, said):
    with pytest.raises(SettingError, match=said):
        make(tiny_config, space)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("class_weights", "balanced"),
        ("accumulation_steps", 2),
        ("gradient_averaging", True),
        ("deep_supervision", True),
        ("ema", 0.9),
        ("init_from", "cifar10_att2_small"),
        ("teacher", "cifar10_att2_small"),
    ],
)
def test_what_fit_would_leave_out_is_refused(tiny_config, key, value):
    tiny_config.model.head = "indep"  # which deep supervision asks for
    tiny_config.train[key] = value
    with pytest.raises(SettingError, match=rf"^train\.{key}: "):
        make(tiny_config, SPACE[:1])


@pytest.mark.parametrize(
    "settings",
    [{"name": "ram"}, {"normalization": "sampled", "positions": 2}],
)
def test_what_learns_by_rewards_is_refused(tiny_config, settings):
    for key in ("trunk", "levels"):
        tiny_config.model[key] = None
    tiny_config.model.update(settings)
    with pytest.raises(SettingError, match=rf"model\.{next(iter(settings))}.*rewards"):
        make(tiny_config, SPACE[:1]).build(keras_tuner.HyperParameters())


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "sgd_muon"), ("decay_mode", "coupled"), ("bias_lr_multiplier", 64.0)],
)
def test_what_kerass_optimizers_lack_is_refused(tiny_config, key, value):
    tiny_config.optimizer[key] = value
    with pytest.raises(SettingError, match=rf"optimizer\.{key}"):
        make(tiny_config).build(keras_tuner.HyperParameters())


def test_a_schedule_needs_to_know_the_steps(tiny_config):
    with pytest.raises(SettingError, match="steps_per_epoch"):
        make(tiny_config, steps_per_epoch=None).build(keras_tuner.HyperParameters())


@pytest.mark.parametrize("kind", ["array", "tf.data"])
def test_the_whitening_is_adapted_to_the_images(tiny_config, kind):
    """What it makes of the training images is uncorrelated and of equal size."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 16, 16, 3)).repeat(2, 1).repeat(2, 2)
    images = images.astype("float32")
    labels = keras.utils.to_categorical(np.arange(60) % 3, 3)
    given = (images, labels)
    if kind == "tf.data":
        given = (tf.data.Dataset.from_tensor_slices(given).batch(7),)
    hypermodel = make(tiny_config, mean=(0.5,) * 3, std=(0.3,) * 3)
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    hypermodel.fit(hp, model, *given, shuffle=False, verbose=0)
    whitened = keras.Model(model.input, model.get_layer("whitening").output)(images)
    values = np.asarray(whitened)[:, :-1, :-1, :12].reshape(-1, 12)
    np.testing.assert_allclose(values.T @ values / len(values), np.eye(12), atol=0.01)


def test_images_that_no_whitening_can_be_adapted_to_are_refused(tiny_config, examples):
    hypermodel, hp = make(tiny_config), keras_tuner.HyperParameters()
    with pytest.raises(SettingError, match=r"x: .*tf\.data\.Dataset.*'generator'"):
        hypermodel.fit(hp, hypermodel.build(hp), (examples for _ in range(1)))
