import numpy as np
import pytest

from ltpa_tf.data import array_split
from ltpa_tf.data.source import fingerprint, statistics
from ltpa_tf.data.splits import first_of_each, make_source, stratified_order
from ltpa_tf.errors import SettingError

NAMES = ("cat", "dog", "owl")
LABELS = np.repeat([0, 1, 2], [60, 30, 10])


def numbered(labels):
    """Images that carry their own number."""
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    images[:] = np.arange(len(labels))[:, None, None, None]
    return array_split(images, labels)


def source(labels=LABELS, names=NAMES, **arguments):
    defaults = {
        "identity": "id",
        "where": "somewhere",
        "seed": 0,
        "train_examples": 0,
        "validation_examples": 0,
    }
    return make_source("test", names, numbered(labels), **{**defaults, **arguments})


def numbers(split):
    return split.array[:, 0, 0, 0].tolist()


def test_validation_is_set_aside_in_proportion_to_the_classes():
    parts = source(validation_examples=20)
    np.testing.assert_array_equal(np.bincount(parts.validation.labels), [12, 6, 2])
    assert sorted(numbers(parts.train) + numbers(parts.validation)) == list(range(100))
    np.testing.assert_array_equal(LABELS[numbers(parts.train)], parts.train.labels)
    assert parts.test is None


def test_validation_follows_the_seed_alone():
    again = numbers(source(validation_examples=20).validation)
    assert numbers(source(validation_examples=20).validation) == again
    assert numbers(source(validation_examples=20, seed=1).validation) != again


def test_train_examples_are_the_first_of_each_class_outside_of_validation():
    whole = source(validation_examples=20)
    limited = source(validation_examples=20, train_examples=8)
    kept = [
        np.flatnonzero(whole.train.labels == k)[:n] for k, n in enumerate((5, 2, 1))
    ]
    expected = whole.train.subset(np.concatenate(kept))
    assert numbers(limited.train) == numbers(expected)
    assert numbers(limited.validation) == numbers(whole.validation)


def test_the_first_images_are_kept_where_they_are_in_proportion():
    labels = np.tile(np.repeat([0, 1, 2], [6, 3, 1]), 10)
    assert numbers(source(labels=labels, train_examples=10).train) == list(range(10))
    kept, plain = first_of_each(labels, 9)  # as in the data of earlier versions' runs
    assert plain == (len(set(labels[:9])) == 3)
    assert np.bincount(labels[kept]).tolist() == [5, 3, 1]


@pytest.mark.parametrize("seed", range(5))
def test_no_class_is_left_without_a_training_image(seed):
    labels = np.repeat([0, 1, 2], [20, 20, 1])  # the last of which is rare
    for settings in (
        {"validation_examples": 20},
        {"validation_examples": 38},
        {"train_examples": 12},
        {"train_examples": 3},
        {"validation_examples": 20, "train_examples": 4},
        {"validation_share": 0.5},
    ):
        parts = source(labels=labels, seed=seed, **settings)
        counts = np.bincount(parts.train.labels, minlength=3)
        assert counts.all(), settings
        assert abs(counts[0] - counts[1]) <= 1
        if "train_examples" in settings:
            assert len(parts.train) == settings["train_examples"]


@pytest.mark.parametrize("seed", range(5))
def test_validation_has_every_class_that_has_two_images(seed):
    labels = np.repeat([0, 1, 2, 3], [60, 2, 3, 1])
    names = ("cat", "dog", "owl", "fox")
    for settings, size in (
        ({"validation_share": 0.05}, 4),
        ({"validation_share": 0.1}, 7),
    ):
        parts = source(labels=labels, names=names, seed=seed, **settings)
        kept = np.bincount(parts.validation.labels, minlength=4)
        assert kept.tolist() == [size - 2, 1, 1, 0]
        assert np.bincount(parts.train.labels).min() == 1
    assert (
        len(source(labels=labels, names=names, validation_examples=2).validation) == 2
    )


def test_a_share_is_set_aside_where_no_number_is_given():
    shared = source(validation_share=0.2)
    assert numbers(shared.validation) == numbers(
        source(validation_examples=20).validation
    )
    assert shared.fingerprint == source(validation_examples=20).fingerprint
    assert len(source(validation_share=0.2, validation_examples=7).validation) == 7
    own = source(validation_share=0.2, validation=numbered(LABELS))
    assert len(own.train) == len(own.validation) == 100


def test_the_test_part_is_left_alone():
    test = numbered(LABELS[:9])
    assert source(test=test, validation_examples=20, train_examples=4).test is test


def test_every_choice_has_its_own_fingerprint():
    prints = {
        parts.fingerprint
        for parts in (
            source(),
            source(identity="other"),
            source(train_examples=50),
            source(labels=np.tile(LABELS[::10], 10), train_examples=50),
            source(validation_examples=20),
            source(validation_examples=20, seed=1),
        )
    }
    assert len(prints) == 6
    rare = source(labels=np.repeat([0, 1, 2], [90, 5, 5]), validation_examples=9)
    plain = ["id", f"0 9 {(4, 4, 3)}", "seed 0"]  # what the same settings chose before
    assert rare.fingerprint == fingerprint([*plain, "a held-out image of every class"])
    assert source(seed=1).fingerprint == source().fingerprint  # it chooses nothing


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (
            {"validation_examples": 98},
            "data.validation_examples.*at most 97 of the 100",
        ),
        ({"train_examples": 2}, "data.train_examples.* 3 .one of each class. to 100"),
        ({"validation_examples": 10, "train_examples": 91}, "data.train_examples.*90"),
        ({"train_examples": 101}, "data.train_examples.*100"),
        (
            {"validation": numbered(LABELS), "validation_examples": 5},
            "data.validation_examples.*brings a validation part of 100",
        ),
        ({"labels": np.array([0, 1, 2, 3])}, "label 3 of example 3"),
        ({"labels": np.array([0, -1, 2])}, "label -1 of example 1"),
        ({"labels": np.array([0, 2])}, "class 'dog' without"),
        ({"names": ("cat",), "labels": np.array([0, 0])}, "at least 2 classes"),
        ({"names": ("cat", "dog", "cat")}, "two classes 'cat'"),
        ({"test": numbered(np.array([5]))}, r"somewhere \(test part\).*label 5"),
    ],
)
def test_what_cannot_be_used(arguments, match):
    with pytest.raises(SettingError, match=match):
        source(**arguments)


def test_stratified_order_is_in_proportion_from_the_start():
    order = stratified_order(LABELS, 0)
    assert sorted(order) == list(range(100))
    for end in (10, 30, 50):
        counts = np.bincount(LABELS[order[:end]], minlength=3)
        assert np.abs(counts - end * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_statistics_are_those_of_numpy():
    images = np.random.RandomState(0).randint(0, 256, (20, 5, 6, 3)).astype(np.uint8)
    mean, std = statistics(images)
    np.testing.assert_allclose(mean, (images / 255).mean((0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(std, (images / 255).std((0, 1, 2)), atol=1e-6)


def test_statistics_of_even_images_can_be_divided_by():
    _, std = statistics(np.full((2, 4, 4, 3), 9, np.uint8))
    assert min(std) > 0


def test_fingerprint_sees_values_shapes_and_borders():
    a, b = np.arange(6), np.arange(6).reshape(2, 3)
    prints = [
        fingerprint(a),
        fingerprint(b),
        fingerprint(a.astype(np.int32)),
        fingerprint("a", "b"),
        fingerprint("ab"),
        fingerprint(["a", b"b"]),
    ]
    assert len(set(prints)) == 5
    assert prints[3] == prints[5]


def test_examples_from_all_over_a_part():
    in_order = numbered(LABELS)
    np.testing.assert_array_equal(in_order.spread(4), [0, 25, 50, 75])
    np.testing.assert_array_equal(in_order.spread(1000), np.arange(100))
    assert numbered(LABELS[:0]).spread(4).size == 0


def test_classes_that_take_turns_all_give_examples():
    taking_turns = numbered(np.arange(100) % 4)
    # Each fourth image would be one of class 0.
    chosen = taking_turns.spread(25)
    counts = np.bincount(taking_turns.labels[chosen], minlength=4)
    assert counts.sum() == 25
    assert counts.min() >= 6
    assert (np.diff(chosen) > 0).all()


def test_a_class_missing_by_chance_moves_no_example():
    labels = np.arange(100) % 2
    labels[51] = 2  # every other example leaves it out, as any few might
    labels[::4] = 1
    chosen = numbered(labels).spread(50)
    np.testing.assert_array_equal(chosen, np.arange(0, 100, 2))
