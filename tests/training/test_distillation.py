"""A model that learns from another one, beside the labels."""

import functools
import os

import keras
import numpy as np
import pytest
from comparison import assert_close

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.training import train
from ltpa_tf.training.trainer import Trainer


@pytest.fixture
def plain(build):
    """Makes a model that computes the same in training and inference."""
    return build(batch_norm=False, dropout=0.0)


@pytest.fixture
def saved(plain, config, source, tmp_path):
    """`saved(seed)` is a model from this seed and its file."""

    def saved(seed):
        keras.utils.set_random_seed(seed)
        model = plain(config, source)
        model.save(tmp_path / f"{seed}.keras")
        return model, str(tmp_path / f"{seed}.keras")

    return saved


@pytest.fixture
def run(take_steps, source, plain):
    """Takes some steps from seed 0 and gives the state's arrays."""
    return functools.partial(take_steps, source, plain, calls=[(0, 6)])


def probabilities(model, images):
    logits = np.asarray(model(images.astype(np.float32)), np.float64)
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_the_loss_is_of_labels_and_teacher(saved, plain, config, source, strategies):
    """Of a step on all images: what NumPy makes of both models' outputs."""
    (student, _), (teacher, file) = saved(0), saved(5)
    config.train.teacher, config.train.teacher_weight = file, 0.25
    config.train.label_smoothing, config.train.batch_size = 0.0, 70
    keras.utils.set_random_seed(0)
    trainer = Trainer(config, strategies[1], source, plain)
    sums, _ = trainer.program.train(trainer.feed.iterator(0), 0, 1)
    images, labels = source.train.array, source.train.labels
    made, taught = probabilities(student, images), probabilities(teacher, images)
    targets = 0.75 * np.eye(3)[labels] + 0.25 * taught
    loss, correct, examples = np.asarray(sums)[:3]
    assert loss == pytest.approx(-(targets * np.log(made)).sum(), rel=1e-5)
    # What counts as correct are the labels.
    assert (correct, examples) == ((made.argmax(-1) == labels).sum(), 70)


def test_who_learns_from_itself_alone_stays_as_it_is(saved, run):
    model, file = saved(0)
    settings = {"train__label_smoothing": 0.0, "optimizer__weight_decay": 0.0}
    settings |= {"augment__cutmix": 1.0, "train__teacher_weight": 1.0}
    after = run(train__teacher=file, **settings)
    kernel = np.asarray(model.get_layer(index=2).kernel)
    np.testing.assert_allclose(after["trainable.conv2d/kernel"], kernel, atol=1e-6)
    labels = run(**settings | {"train__teacher_weight": 0.5})
    assert np.abs(labels["trainable.conv2d/kernel"] - kernel).max() > 1e-3


def test_replicas_parts_and_xla_change_nothing(saved, run):
    settings = {"train__teacher": saved(5)[1], "augment__crop": 1}
    one = run(**settings)
    assert_close(run(replicas=2, **settings), one)
    assert_close(run(**settings, train__accumulation_steps=4), one)
    assert_close(run(**settings, runtime__jit="on"), one)


def test_a_run_knows_its_teacher(saved, plain, npz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, file = saved(5)
    npz.train.teacher = os.path.relpath(file)
    train(npz, "run", build=plain)
    assert RunFolder("run").read_config().train.teacher == file
    for place, said in (
        ("gone.keras", "the folder of a finished run"),
        (tmp_path, "the folder of a run: no config.json here"),
    ):
        npz.train.teacher = str(place)
        with pytest.raises(SettingError, match=rf"train\.teacher: expected {said}"):
            train(npz, "other", build=plain)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"image_shape": (16, 16, 3)}, "images of 8x8x3"),
        ({"image_shape": (8, 8, 1)}, "images of 8x8x3"),
        ({"num_classes": 4}, "of 3 classes"),
    ],
)
def test_a_teacher_that_does_not_fit(given, sentence, config, source, tmp_path, build):
    shape = given.get("image_shape", source.image_shape)
    images = keras.Input(shape)
    x = keras.layers.GlobalMaxPooling2D()(images)
    logits = keras.layers.Dense(given.get("num_classes", 3))(x)
    keras.Model(images, logits).save(tmp_path / "other.keras")
    config.train.teacher = str(tmp_path / "other.keras")
    with pytest.raises(SettingError, match=rf"train\.teacher: .*{sentence}"):
        train(config, tmp_path / "run", source=source, build=build())
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_other_classes(saved, config, source, tmp_path, build):
    models.save_preset(saved(0)[0], tmp_path / "preset", ["red", "blue", "green"])
    config.train.teacher = str(tmp_path / "preset")
    with pytest.raises(SettingError, match="this data's own classes"):
        train(config, tmp_path / "run", source=source, build=build())
