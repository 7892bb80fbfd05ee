"""Augmentation against an implementation image by image, in plain NumPy."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from PIL import Image, ImageEnhance

from ltpa_tf.data import (
    Augmentation,
    augment,
    augmentation,
    hashing,
    resized_crop,
    sharpness,
)
from ltpa_tf.errors import SettingError

SEED, EPOCH, CLASSES = 5, 3, 10
BATCH, HEIGHT, WIDTH = 64, 12, 16
# Which examples stand at the batch's positions.
INDICES = np.random.RandomState(2).permutation(1_000)[:BATCH]
ALL = (
    Augmentation(crop=4),
    Augmentation(flip=True),
    Augmentation(crop=4, flip=True),
    Augmentation(flip=True, flip_anew=True),
    Augmentation(least_area=0.2),
    Augmentation(sharpness=2.0),
    Augmentation(cutout=5),
    Augmentation(cutmix=1.0),
    Augmentation(cutmix=1.0, cutmix_share=0.5),
    Augmentation(mixup=0.4),
    Augmentation(randaugment_layers=2, randaugment_magnitude=9),
    Augmentation(crop=2, flip=True, cutout=4, cutmix=0.5, randaugment_layers=1),
)


@pytest.fixture(scope="module")
def images():
    shape = (BATCH, HEIGHT, WIDTH, 3)
    return np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)


@pytest.fixture(scope="module")
def labels():
    numbers = np.random.RandomState(1).randint(0, CLASSES, BATCH)
    return np.eye(CLASSES, dtype=np.float32)[numbers]


def run(images, labels, settings, first=0, epoch=EPOCH):
    positions = tf.range(first, first + len(images), dtype=tf.int64)
    return augment(
        tf.constant(images),
        tf.constant(labels),
        seed=SEED,
        epoch=epoch,
        positions=positions,
        indices=tf.gather(INDICES, positions),
        settings=settings,
    )


def numbers(purpose, bound, lanes=1):
    """The random numbers that `augment` draws for positions 0 .. BATCH-1."""
    bits = hashing.random_bits(SEED, EPOCH, tf.range(BATCH), purpose, lanes)
    return hashing.below(bits, bound).numpy()


def cut_off(centre, side, size):
    first = centre - side // 2
    return max(first, 0), min(first + side, size)


def test_nothing_by_default(images, labels):
    result, mixed = run(images, labels, Augmentation())
    np.testing.assert_array_equal(result, images)
    np.testing.assert_array_equal(mixed, labels)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("crop", [0, 1, 4, 11])
def test_crop_and_flip(images, labels, crop, flip):
    result, _ = run(images, labels, Augmentation(crop=crop, flip=flip))
    shift = numbers(augmentation._SHIFT, 2 * crop + 1, lanes=2)
    side = hashing.random_bits(SEED, 0, INDICES, augmentation._FLIP)[:, 0]
    mirrored = (hashing.below(side, 2).numpy() + EPOCH) % 2
    for i, image in enumerate(images):
        padded = np.pad(image, ((crop, crop), (crop, crop), (0, 0)), "reflect")
        top, left = shift[i]
        expected = padded[top : top + HEIGHT, left : left + WIDTH]
        if flip and mirrored[i]:
            expected = expected[:, ::-1]
        np.testing.assert_array_equal(result[i], expected)


def test_every_shift_and_flip_is_as_frequent():
    shift, mirrored = augmentation.moves(
        Augmentation(crop=4, flip=True),
        seed=SEED,
        epoch=EPOCH,
        positions=tf.range(20_000),
        indices=tf.range(20_000)[::-1],
    )
    down, right = shift.numpy().T + 4
    counts = np.bincount((down * 9 + right) * 2 + mirrored.numpy(), minlength=162)
    assert len(counts) == 162
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_exactly_half_of_each_batch_is_mirrored_anew():
    def mirrored(epoch):
        positions = tf.range(12_800)
        return augmentation.moves(
            Augmentation(flip=True, flip_anew=True),
            seed=SEED,
            epoch=epoch,
            positions=positions,
            indices=positions,
        )[1].numpy()

    first, second = mirrored(0), mirrored(1)
    for batch in np.reshape([first, second], (-1, 128)):
        assert batch.sum() == 64
    # Either neighbour is as probable, whatever it was before.
    pairs = np.bincount(2 * first[::2] + second[::2], minlength=4)
    assert scipy.stats.chisquare(pairs).pvalue > 0.001


def test_every_image_is_mirrored_in_every_other_epoch():
    def mirrored(epoch, positions, indices, seed=SEED):
        settings = Augmentation(crop=4, flip=True)
        where = {"positions": positions, "indices": tf.constant(indices)}
        return augmentation.moves(settings, seed=seed, epoch=epoch, **where)[1].numpy()

    positions, indices = tf.range(1_000), np.arange(1_000)
    first = mirrored(0, positions, indices)
    assert 0.4 < first.mean() < 0.6
    np.testing.assert_array_equal(mirrored(1, positions, indices), ~first)
    np.testing.assert_array_equal(mirrored(6, positions, indices), first)
    order = np.random.RandomState(3).permutation(1_000)
    np.testing.assert_array_equal(mirrored(2, positions, order), first[order])
    other = mirrored(0, positions, indices, seed=SEED + 1)
    assert 0.4 < (other != first).mean() < 0.6


def test_sharpness(images, labels):
    """Pillow's own filter of that kind, by a factor for each image."""
    result, _ = run(images, labels, Augmentation(sharpness=2.0))
    place = (numbers(sharpness._PURPOSE, 256)[:, 0] + 0.5) / 256
    factors = 3 ** (2 * place - 1)
    assert factors.min() < 0.4 and factors.max() > 2.6
    assert 0.3 < (factors > 1).mean() < 0.7
    for image, factor, found in zip(images, factors, result.numpy(), strict=True):
        inner = (slice(1, -1), slice(1, -1))  # Pillow leaves the border as it is
        picture = Image.fromarray(image)
        expected = np.asarray(ImageEnhance.Sharpness(picture).enhance(factor))
        difference = found[inner].astype(int) - expected[inner]
        # Whole numbers: of smoothed pixels 1, counted factor - 1 times, and of the sum.
        assert np.abs(difference).max() <= 2 + abs(factor - 1)


@pytest.mark.parametrize("side", [1, 4, 5, 40])
def test_cutout(images, labels, side):
    result, _ = run(images, labels, Augmentation(cutout=side))
    centres = numbers(augmentation._CUTOUT, [HEIGHT, WIDTH], lanes=2)
    for i, image in enumerate(images):
        top, bottom = cut_off(centres[i][0], side, HEIGHT)
        left, right = cut_off(centres[i][1], side, WIDTH)
        expected = image.copy()
        expected[top:bottom, left:right] = 128
        np.testing.assert_array_equal(result[i], expected)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_cutmix(images, labels, alpha):
    result, mixed = run(images, labels, Augmentation(cutmix=alpha))
    quantile = (numbers(augmentation._STRENGTH, 1024)[:, 0] + 0.5) / 1024
    kept = scipy.stats.beta.ppf(quantile, alpha, alpha)
    centres = numbers(augmentation._CUT, [HEIGHT, WIDTH], lanes=2)
    for i, image in enumerate(images):
        partner = i ^ 1
        side = np.sqrt(1 - kept[i])
        top, bottom = cut_off(centres[i][0], int(side * HEIGHT), HEIGHT)
        left, right = cut_off(centres[i][1], int(side * WIDTH), WIDTH)
        expected = image.copy()
        expected[top:bottom, left:right] = images[partner, top:bottom, left:right]
        np.testing.assert_array_equal(result[i], expected)
        share = (bottom - top) * (right - left) / (HEIGHT * WIDTH)
        label = (1 - share) * labels[i] + share * labels[partner]
        np.testing.assert_allclose(mixed[i], label, atol=1e-6)


def test_cutmix_of_a_share_leaves_the_other_images_as_they_are(images, labels):
    everywhere, _ = run(images, labels, Augmentation(cutmix=1.0))
    result, mixed = run(images, labels, Augmentation(cutmix=1.0, cutmix_share=0.5))
    chosen = numbers(augmentation._SHARE, 1024)[:, 0] < 512
    assert 0 < chosen.sum() < len(images)
    np.testing.assert_array_equal(result[chosen], everywhere[chosen])
    np.testing.assert_array_equal(result[~chosen], images[~chosen])
    np.testing.assert_array_equal(np.asarray(mixed)[~chosen], labels[~chosen])


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup(images, labels, alpha):
    result, mixed = run(images, labels, Augmentation(mixup=alpha))
    quantile = (numbers(augmentation._STRENGTH, 1024)[:, 0] + 0.5) / 1024
    kept = scipy.stats.beta.ppf(quantile, alpha, alpha)[:, None]
    partner = np.arange(BATCH) ^ 1
    # Weights come in steps of 1/256, so values up to half a step away from exact.
    pixels = images * kept[..., None, None] + images[partner] * (
        1 - kept[..., None, None]
    )
    assert np.abs(result - pixels).max() <= 1.0
    expected = labels * kept + labels[partner] * (1 - kept)
    np.testing.assert_allclose(mixed, expected, atol=0.5 / 256 + 1e-6)
    np.testing.assert_allclose(np.sum(mixed, 1), 1, atol=1e-6)


@pytest.mark.parametrize("settings", ALL)
def test_same_eagerly_in_tf_data_and_under_xla(images, labels, settings):
    expected = run(images, labels, settings)

    def step(images, labels, positions, indices, epoch):
        return augment(
            images,
            labels,
            seed=SEED,
            epoch=epoch,
            positions=positions,
            indices=indices,
            settings=settings,
        )

    inputs = (images, labels, np.arange(BATCH), INDICES, np.int64(EPOCH))
    streamed = next(iter(tf.data.Dataset.from_tensors(inputs).map(step)))
    compiled = tf.function(step, jit_compile=True)(*map(tf.constant, inputs))
    for result in (streamed, compiled):
        for ours, theirs in zip(expected, result, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def drawn_parts(size, least):
    def draw(purpose, lanes):
        return hashing.random_bits(SEED, EPOCH, tf.range(BATCH), purpose, lanes)

    return resized_crop._parts(*size, least, draw).numpy()


def test_a_part_of_each_image_is_enlarged_as_pillow_does(images, labels):
    result, _ = run(images, labels, Augmentation(least_area=0.2))
    parts = drawn_parts((HEIGHT, WIDTH), 0.2)
    for image, found, (top, left, high, wide) in zip(
        images, result.numpy(), parts, strict=True
    ):
        part = Image.fromarray(image[top : top + high, left : left + wide])
        expected = np.asarray(part.resize((WIDTH, HEIGHT), Image.BILINEAR))
        assert np.abs(found - expected.astype(int)).max() <= 2  # its own rounding


def test_parts_are_drawn_as_the_setting_says():
    height, width = 300, 400
    top, left, high, wide = drawn_parts((height, width), 0.36).T
    area = high * wide / (height * width)
    assert area.min() >= 0.35 and area.max() <= 1
    assert area.mean() == pytest.approx(0.66, abs=0.05)
    shape = (wide / width) / (high / height)
    assert shape.min() > 0.74 and shape.max() < 1.34
    assert np.ptp(shape) > 0.4
    for first, length, whole in ((top, high, height), (left, wide, width)):
        assert first.min() >= 0 and (first + length).max() <= whole
        room = length < whole - 20
        assert np.mean(first[room] / (whole - length)[room]) == pytest.approx(
            0.5, abs=0.1
        )


@pytest.mark.parametrize("settings", ALL)
def test_shards_make_the_same_batch(images, labels, settings):
    whole = run(images, labels, settings)
    shards = [
        run(images[first : first + 16], labels[first : first + 16], settings, first)
        for first in range(0, BATCH, 16)
    ]
    for ours, parts in zip(whole, zip(*shards, strict=True), strict=True):
        np.testing.assert_array_equal(ours, np.concatenate(parts))


def test_keras_s_mixup_begins_anew_where_a_run_goes_on(images):
    """The reason for one by number, as above: else Keras's would be used."""
    batch = images.astype("float32")
    run, continued = (keras.layers.MixUp(alpha=1.0, seed=1) for _ in range(2))
    first, second = run(batch), run(batch)
    after_the_first = continued(batch)
    assert not np.allclose(after_the_first, second)
    np.testing.assert_allclose(after_the_first, first)


@pytest.mark.parametrize("settings", ALL)
def test_another_epoch_is_another_augmentation(images, labels, settings):
    first, _ = run(images, labels, settings)
    second, _ = run(images, labels, settings, epoch=EPOCH + 1)
    differ = np.any(first.numpy() != second.numpy(), axis=(1, 2, 3))
    assert differ.mean() > 0.3


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"crop": -1}, "augment.crop"),
        ({"least_area": 1.5}, "augment.least_area"),
        ({"cutmix": 1.0, "mixup": 1.0}, "augment.mixup"),
        ({"cutmix": 1.0, "cutmix_share": 1.1}, "augment.cutmix_share"),
        ({"randaugment_magnitude": 11}, "augment.randaugment_magnitude"),
    ],
)
def test_impossible_settings(settings, setting):
    with pytest.raises(SettingError, match=setting):
        Augmentation(**settings)


def test_settings_that_do_not_fit_the_images(images, labels):
    with pytest.raises(SettingError, match="augment.crop"):
        run(images, labels, Augmentation(crop=HEIGHT))
    with pytest.raises(SettingError, match=r"augment.cutmix.*odd number"):
        run(images[:3], labels[:3], Augmentation(cutmix=1.0))
