"""One compiled step trains seed after seed, each from its own start."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import data, models
from ltpa_tf.configs import cifar10_fast, recipes
from ltpa_tf.errors import NonFiniteError, SettingError
from ltpa_tf.results.seed_trainer import SeedTrainer, load, mean_and_deviation
from ltpa_tf.run import RunFolder


@pytest.fixture
def source():
    """Images whose brightness is the class."""
    random = np.random.default_rng(0)

    def split(size):
        labels = np.arange(size, dtype=np.int32) % 3
        images = random.integers(0, 90, (size, 32, 32, 3))
        images += 80 * labels[:, None, None, None]
        return data.array_split(images.astype(np.uint8), labels)

    return data.Source(
        name="brightness",
        class_names=("dark", "grey", "light"),
        image_shape=(32, 32, 3),
        train=split(64),
        validation=None,
        test=split(30),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        fingerprint="brightness",
    )


def test_settings_are_chosen_on_images_held_out_from_training(tmp_path):
    images = np.arange(60, dtype=np.uint8)[:, None, None, None].repeat(32, 1)
    images = images.repeat(32, 2).repeat(3, 3)
    labels = np.arange(60) % 3
    arrays = {"x_train": images[:50], "y_train": labels[:50]}
    np.savez(tmp_path / "a.npz", **arrays, x_test=images[50:], y_test=labels[50:])
    config = cifar10_fast.get_config()
    config.data.name, config.data.dir = "npz", str(tmp_path / "a.npz")

    def seen(split):
        return set(split.array[:, 0, 0, 0].tolist())

    final = load(config)
    assert (seen(final.train), seen(final.test)) == (set(range(50)), set(range(50, 60)))
    config.data.validation_examples = 12
    choosing = load(config)
    assert len(choosing.test) == 12
    assert seen(choosing.test) == set(range(50)) - seen(choosing.train)


def test_data_without_a_test_part_is_refused(tmp_path):
    images, labels = np.zeros((30, 32, 32, 3), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels)
    config = cifar10_fast.get_config()
    config.data.name, config.data.dir = "npz", str(tmp_path / "a.npz")
    with pytest.raises(SettingError, match="data.name: .* data with a test part"):
        load(config)
    config.data.validation_examples = 6
    assert len(load(config).test) == 6


def small_config():
    """A fast recipe, with one size of images."""
    config = cifar10_fast.get_config()
    config.model.trunk, config.model.levels = "faster", (2, 4)
    config.model.width, config.train.small_size = 1 / 16, 0
    return config


@pytest.mark.parametrize("ema", [pytest.param(0.0, marks=pytest.mark.slow), 0.9])
def test_every_seed_is_a_training_of_its_own(source, ema):
    config = small_config()
    config.train.epochs, config.train.batch_size = 12, 16
    config.train.ema = ema
    config.optimizer.warmup_epochs = 1.0
    config.runtime.precision = "float32"
    config.runtime.strategy = "none"
    trainer = SeedTrainer(config, source, range(2))
    trainer.compile()
    first, other, again = (trainer.train(seed) for seed in (0, 1, 0))
    assert first["curve"]["loss"] == pytest.approx(again["curve"]["loss"], rel=1e-3)
    assert first["curve"]["loss"] != pytest.approx(other["curve"]["loss"], rel=1e-3)
    assert len(first["curve"]["accuracy"]) == 12
    assert first["curve"]["loss"][-1] < first["curve"]["loss"][0]
    assert first["test"]["top1"] > 0.5


def test_nothing_of_a_training_follows_the_config_s_own_seed(source):
    config = small_config()
    config.model.dropout = 0.5
    config.train.epochs, config.train.batch_size = 1, 16
    config.optimizer.warmup_epochs = 0.0
    config.runtime.precision, config.runtime.strategy = "float32", "none"
    losses = []
    for own in (3, 0):
        config.seed = own
        losses += SeedTrainer(config, source, [3]).train(3)["curve"]["loss"]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_run_that_is_kept_says_how_many_replicas_trained_it(source, tmp_path):
    config = small_config()
    config.train.epochs, config.train.batch_size = 1, 32
    config.optimizer.warmup_epochs = 0.0
    config.runtime.precision, config.runtime.strategy = "float32", "none"
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():  # the one that is there, for "none"
        trainer = SeedTrainer(config, source, [3])
    trainer.save(RunFolder(tmp_path / "run"), trainer.train(3))
    assert RunFolder(tmp_path / "run").read_summary()["replicas"] == 2


def test_a_training_that_diverges_is_a_sentence(source):
    config = small_config()
    config.train.epochs, config.train.batch_size = 1, 16
    config.optimizer.name, config.optimizer.learning_rate = "sgd", 1e30
    config.optimizer.warmup_epochs = 0.0
    config.runtime.precision, config.runtime.strategy = "float32", "none"
    trainer = SeedTrainer(config, source, [0])
    with pytest.raises(NonFiniteError, match="not finite at step [1-9]"):
        trainer.train(0)


def test_the_model_handed_out_is_the_one_that_was_tested(source):
    config = small_config()
    config.model.dropout = 0.5
    config.train.epochs, config.train.batch_size = 4, 16
    config.optimizer.warmup_epochs = 1.0
    config.runtime.precision = "float32"
    config.runtime.strategy = "none"
    trainer = SeedTrainer(config, source, [3])
    result = trainer.train(3)
    logits = np.asarray(trainer.model()(source.test.array))
    assert len(source.test) == result["test"]["examples"] == 30
    accuracy = np.mean(logits.argmax(-1) == source.test.labels)
    assert result["test"]["top1"] == pytest.approx(accuracy)

    def logits_of_both(images):
        both = (trainer.model()(x) for x in (images, images[:, :, ::-1]))
        return sum(np.asarray(logits, "float64") for logits in both) / 2

    images = source.test.array
    larger = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
    moved = larger[:, :-2, :-2], larger[:, 2:, 2:]
    six = logits_of_both(images) / 2
    six += sum(logits_of_both(x) for x in moved) / 4
    six -= np.log(np.exp(six).sum(-1, keepdims=True))
    nll = -np.mean(six[np.arange(30), source.test.labels])
    assert result["test_with_views"]["nll"] == pytest.approx(nll, abs=1e-4)


def test_every_seed_starts_from_the_same_weights_and_a_head_of_its_own(
    source, tmp_path
):
    settings = {"levels": (2, 4), "trunk": "faster", "width": 1 / 16, "dropout": 0.0}
    old = models.build("vgg_att2_concat_pc", num_classes=3, **settings)
    models.save_preset(old, tmp_path / "old", ["red", "green", "blue"])
    config = recipes.small_images("vgg_att2_concat_pc", "vgg_att2_concat_pc")
    config.model.update(settings)
    config.train.init_from = str(tmp_path / "old")
    config.train.epochs, config.train.batch_size = 1, 64
    config.optimizer.learning_rate, config.optimizer.warmup_epochs = 1e-9, 0.0
    config.runtime.precision, config.runtime.strategy = "float32", "none"
    trainer = SeedTrainer(config, source, [3, 4])  # `old` has that of another seed
    heads = []
    for seed in (3, 4):
        trainer.train(seed)
        found = trainer.model()
        kernels = (np.array(m.get_layer("conv5").kernel) for m in (found, old))
        np.testing.assert_allclose(*kernels, rtol=1e-3, atol=1e-3)  # as float16
        heads.append(np.array(found.get_layer("logits").linear[0].kernel))
    heads.append(np.array(old.get_layer("logits").linear[0].kernel))
    for one, other in itertools.combinations(heads, 2):
        assert np.abs(one - other).max() > 0.1


def test_mean_and_deviation():
    found = mean_and_deviation([0.5, 0.7])
    assert found == {"mean": pytest.approx(0.6), "deviation": pytest.approx(0.02**0.5)}
    assert mean_and_deviation([0.5]) == {"mean": 0.5, "deviation": 0.0}
