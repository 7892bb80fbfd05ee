"""The tf.data path: order, resuming, sharding, evaluation."""

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.data import (
    Augmentation,
    array_split,
    evaluation_dataset,
    examples_of,
    load,
    steps_per_epoch,
    train_dataset,
)
from ltpa_tf.data.source import file_split
from ltpa_tf.errors import SettingError

EXAMPLES, CLASSES, BATCH = 50, 4, 8
AUGMENTATION = Augmentation(crop=2, flip=True, least_area=0.3, cutmix=1.0)


@pytest.fixture(scope="module")
def split():
    """Every image is filled with its own number."""
    images = np.repeat(np.arange(EXAMPLES, dtype=np.uint8), 8 * 8 * 3)
    labels = np.random.RandomState(0).randint(0, CLASSES, EXAMPLES)
    return array_split(images.reshape(-1, 8, 8, 3), labels)


@pytest.fixture(scope="module")
def augmented(split):
    """Two epochs' augmented batches and 2 more; never changed."""
    return batches(split, 14, augmentation=AUGMENTATION)


def batches(split, count, **arguments):
    arguments = {"batch_size": BATCH, "seed": 1, "num_classes": CLASSES, **arguments}
    dataset = train_dataset(split, **arguments).take(count)
    return [(images.numpy(), labels.numpy()) for images, labels in dataset]


def assert_equal(left, right):
    for ours, theirs in zip(left, right, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def together(parts):
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def test_every_epoch_has_each_example_once_in_a_new_order(split):
    steps = steps_per_epoch(split, 10)
    assert steps == 5
    orders, whole = [], batches(split, 3 * steps, batch_size=10)
    for epoch in range(3):
        found = whole[epoch * steps :][:steps]
        order = np.concatenate([images[:, 0, 0, 0] for images, _ in found])
        assert sorted(order) == list(range(EXAMPLES))
        orders.append(tuple(order))
    assert len(set(orders)) == 3


def test_a_remainder_is_dropped_and_differs_between_epochs(split):
    steps = steps_per_epoch(split, BATCH)
    assert steps == 6
    left_out, whole = [], batches(split, 4 * steps)
    for epoch in range(4):
        found = whole[epoch * steps :][:steps]
        numbers = np.concatenate([images[:, 0, 0, 0] for images, _ in found])
        assert len(set(numbers)) == 48
        left_out.append(frozenset(range(EXAMPLES)) - set(numbers))
    assert len(set(left_out)) > 1


def test_labels_belong_to_the_images(split):
    for images, labels in batches(split, 12):
        expected = np.eye(CLASSES)[split.labels[images[:, 0, 0, 0]]]
        np.testing.assert_array_equal(labels, expected)
        assert labels.dtype == np.float32
        assert images.dtype == np.uint8


def test_static_shapes(split):
    images, labels = train_dataset(
        split, batch_size=BATCH, seed=0, num_classes=CLASSES, replicas=2
    ).element_spec
    assert images.shape == (BATCH // 2, 8, 8, 3)
    assert labels.shape == (BATCH // 2, CLASSES)


def test_resumes_at_any_step(split, augmented):
    for step in (5, 6, 13):
        rest = batches(split, 14 - step, augmentation=AUGMENTATION, start_step=step)
        for ours, theirs in zip(rest, augmented[step:], strict=True):
            assert_equal(ours, theirs)


def test_seeds_differ(split):
    (first, _), (second, _) = batches(split, 1)[0], batches(split, 1, seed=2)[0]
    assert np.any(first != second)


@pytest.mark.parametrize(
    ("replicas", "workers"),
    [
        (2, 1),
        (4, 2),
        pytest.param(4, 1, marks=pytest.mark.slow),
        pytest.param(2, 2, marks=pytest.mark.slow),
    ],
)
def test_any_layout_gives_the_same_global_batches(split, augmented, replicas, workers):
    steps = 8
    here = replicas // workers
    parts = [
        batches(
            split,
            steps * here,
            augmentation=AUGMENTATION,
            replicas=replicas,
            worker=worker,
            workers=workers,
        )
        for worker in range(workers)
    ]
    for step in range(steps):
        shards = [shard for part in parts for shard in part[step * here :][:here]]
        assert_equal(together(shards), augmented[step])


def test_the_training_step_can_find_the_same_examples(split):
    images, _ = zip(*batches(split, 10, replicas=2), strict=True)
    locate = tf.function(
        lambda step, replica: examples_of(
            step, replica, examples=EXAMPLES, batch_size=BATCH, replicas=2, seed=1
        ),
        jit_compile=True,
    )
    for step in range(5):
        for replica in range(2):
            epoch, positions, indices = locate(
                tf.constant(step, tf.int64), tf.constant(replica, tf.int64)
            )
            expected = images[step * 2 + replica][:, 0, 0, 0]
            np.testing.assert_array_equal(indices, expected)
            assert epoch == step // 6
            assert positions[0] == step % 6 * BATCH + replica * 4


def test_files_take_the_same_path_as_arrays(split):
    array = tf.constant(split.array)
    files = file_split(lambda index: tf.gather(array, index), split.labels, (8, 8, 3))
    arguments = {"augmentation": AUGMENTATION, "replicas": 2, "start_step": 4}
    for ours, theirs in zip(
        batches(files, 9, **arguments), batches(split, 9, **arguments), strict=True
    ):
        assert_equal(ours, theirs)
    for ours, theirs in zip(
        evaluation_dataset(files, batch_size=16),
        evaluation_dataset(split, batch_size=16),
        strict=True,
    ):
        assert_equal(ours, theirs)


def test_digits_are_composed_for_the_epoch_of_the_step():
    train = load("digits", train_examples=16).train
    ((images, _),) = batches(train, 1, batch_size=8, num_classes=10, start_step=5)
    _, _, indices = examples_of(
        tf.constant(5, tf.int64),
        tf.constant(0, tf.int64),
        examples=16,
        batch_size=8,
        replicas=1,
        seed=1,
    )
    np.testing.assert_array_equal(images, train.images(indices, tf.constant(2)))


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 25, 64])
def test_evaluation_sees_each_example_once(split, batch_size, workers):
    seen, counts = [], []
    for worker in range(workers):
        dataset = evaluation_dataset(
            split, batch_size=batch_size, worker=worker, workers=workers
        )
        counts.append(len(list(dataset)))
        for images, labels, mask in dataset.as_numpy_iterator():
            assert len(images) == len(labels) == len(mask) == batch_size
            numbers = images[mask][:, 0, 0, 0]
            np.testing.assert_array_equal(labels[mask], split.labels[numbers])
            seen += list(numbers)
    assert sorted(seen) == list(range(EXAMPLES))
    assert len(set(counts)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": EXAMPLES + 1},
        {"batch_size": 0},
        {"replicas": 3},
        {"replicas": 4, "workers": 3},
    ],
)
def test_a_batch_that_does_not_fit_is_refused(split, arguments):
    with pytest.raises(SettingError, match="train.batch_size"):
        batches(split, 1, **arguments)
