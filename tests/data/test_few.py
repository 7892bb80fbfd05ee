"""A small task out of a large one: which images, and which are told apart."""

import resource

import numpy as np
import pytest

from ltpa_tf import data
from ltpa_tf.data.few import write_few
from ltpa_tf.errors import SettingError

NAMES = ["ray", "rose", "shark", "tulip", "trout"]
COARSE = np.array([0, 1, 0, 1, 0])


@pytest.fixture
def large(tmp_path):
    """100 training and 20 test images; each image's brightness is its number."""
    arrays = {"label_names": NAMES, "coarse_label_names": ["fish", "flowers"]}
    for part, count, first in (("train", 100, 0), ("test", 20, 200)):
        images = np.zeros((count, 32, 32, 3), np.uint8)
        images += np.arange(first, first + count, dtype=np.uint8)[:, None, None, None]
        labels = np.arange(count) % 5
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
        arrays[f"y_{part}_coarse"] = COARSE[labels]
    np.savez(tmp_path / "large.npz", **arrays)
    return tmp_path / "large.npz"


def numbers(split):
    return split.array[:, 0, 0, 0]


def test_a_superclass_stands_for_its_classes(large, tmp_path):
    file = write_few(large, tmp_path / "few.npz", classes=["fish"], per_class=4)
    few = data.load("npz", dir=str(file))
    assert few.class_names == ("ray", "shark", "trout")
    assert np.bincount(few.train.labels).tolist() == [4, 4, 4]
    for split in (few.train, few.test):
        of = [NAMES[number % 5] for number in numbers(split)]
        assert of == [few.class_names[label] for label in split.labels]
    assert sorted(numbers(few.test)) == [
        n for n in range(200, 220) if n % 5 in (0, 2, 4)
    ]


def test_settings_are_chosen_on_training_images_that_are_left(large, tmp_path):
    def load(**settings):
        target = tmp_path / "few.npz"
        write_few(large, target, classes=["rose", "trout"], per_class=6, **settings)
        return data.load("npz", dir=str(target))

    final, choosing, other = load(), load(held_out=True), load(seed=1)
    np.testing.assert_array_equal(numbers(final.train), numbers(choosing.train))
    both = {*numbers(choosing.train), *numbers(choosing.test)}
    assert both == {n for n in range(100) if n % 5 in (1, 4)}
    assert len(choosing.train) + len(choosing.test) == 40
    assert set(numbers(final.train)) != set(numbers(other.train))


@pytest.mark.parametrize("held_out", [False, True])
def test_boxes_and_masks_stay_with_their_images(large, tmp_path, held_out):
    """Each box begins, and each mask is, at a place that the image's number says."""
    with np.load(large) as archive:
        content = dict(archive)
    for part in ("train", "test"):
        place = content[f"x_{part}"][:, 0, 0, 0].astype(int) % 31
        content[f"boxes_{part}"] = np.stack([place, place, place + 1, place + 1], 1)
        content[f"masks_{part}"] = np.arange(32)[:, None] == place[:, None, None]
        content[f"masks_{part}"] = content[f"masks_{part}"].repeat(32, 2)
    np.savez(large, **content)
    target = tmp_path / "few.npz"
    settings = {"classes": ["rose", "trout"], "per_class": 6, "held_out": held_out}
    few = data.load("npz", dir=str(write_few(large, target, **settings)))
    for split in (few.train, few.test):
        place = numbers(split).astype(int) % 31
        np.testing.assert_array_equal(split.boxes[:, 0], place)
        np.testing.assert_array_equal(np.asarray(split.masks).argmax(1)[:, 0], place)


def test_a_full_disk_leaves_the_file_that_was_there(large, tmp_path):
    """Here, a limit on the length of files."""
    target = tmp_path / "few.npz"
    write_few(large, target, classes=["rose", "trout"], per_class=6)
    before = target.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(SettingError, match=r"^--npz: .*can be written to \(File"):
            write_few(large, target, classes=["rose", "trout"], per_class=7)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"few.npz", "large.npz"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"classes": ["fishes"]},
            "fish, flowers, ray.*Received: 'fishes'",
        ),
        ({"classes": ["ray"]}, "--classes: .*at least 2.*Received: 'ray'"),
        ({"per_class": 21}, "--per_class: .*at most 20, .*'ray'.*Received: 21"),
        (
            {"per_class": 20, "held_out": True},
            "at most 19.*Received: 20",
        ),
        ({"target": "no/few.npz"}, "--npz: .*folder that is there"),
        ({"target": "few.txt"}, "--npz: "),
    ],
)
def test_mistakes_are_named(large, tmp_path, settings, said):
    target = tmp_path / settings.pop("target", "few.npz")
    arguments = {"classes": ["fish"], "per_class": 4, **settings}
    with pytest.raises(SettingError, match=said):
        write_few(large, target, **arguments)
    assert not target.exists()
