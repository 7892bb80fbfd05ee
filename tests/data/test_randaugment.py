"""RandAugment's operations against Pillow's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from ltpa_tf.data import hashing, randaugment

SIDE = 32


@pytest.fixture(scope="module")
def image():
    """Smooth, with all values and some noise, not symmetric."""
    rng = np.random.RandomState(0)
    coarse = rng.randint(20, 230, (5, 5, 3)).astype(np.uint8)
    smooth = np.array(Image.fromarray(coarse).resize((SIDE, SIDE), Image.BICUBIC))
    return np.clip(smooth + rng.randint(-5, 6, smooth.shape), 0, 255).astype(np.uint8)


def ours(image, operation, magnitude=10, direction=0):
    number = randaugment.OPERATIONS.index(operation)
    result = randaugment.apply(
        tf.constant(image[None]),
        tf.constant([number]),
        tf.constant([direction]),
        magnitude,
    )
    return result.numpy()[0].astype(int)


def enhanced(kind, image, factor):
    return np.array(kind(Image.fromarray(image)).enhance(factor)).astype(int)


def test_identity(image):
    np.testing.assert_array_equal(ours(image, "identity"), image)


@pytest.mark.parametrize(
    "operation", [name for name in randaugment.OPERATIONS if name != "autocontrast"]
)
def test_magnitude_zero_changes_nothing(image, operation):
    np.testing.assert_array_equal(ours(image, operation, magnitude=0), image)


@pytest.mark.parametrize(("magnitude", "threshold"), [(5, 128), (10, 0)])
def test_solarize(image, magnitude, threshold):
    expected = ImageOps.solarize(Image.fromarray(image), threshold)
    np.testing.assert_array_equal(ours(image, "solarize", magnitude), expected)


@pytest.mark.parametrize(("magnitude", "bits"), [(5, 6), (10, 4)])
def test_posterize(image, magnitude, bits):
    expected = ImageOps.posterize(Image.fromarray(image), bits)
    np.testing.assert_array_equal(ours(image, "posterize", magnitude), expected)


def test_autocontrast(image):
    expected = np.array(ImageOps.autocontrast(Image.fromarray(image))).astype(int)
    assert np.abs(ours(image, "autocontrast") - expected).max() <= 1


def test_autocontrast_leaves_an_even_image_alone():
    even = np.full((SIDE, SIDE, 3), 77, np.uint8)
    np.testing.assert_array_equal(ours(even, "autocontrast"), even)


@pytest.mark.parametrize(("direction", "factor"), [(0, 1.9), (1, 0.1)])
@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("color", ImageEnhance.Color),
        ("contrast", ImageEnhance.Contrast),
        ("brightness", ImageEnhance.Brightness),
        ("sharpness", ImageEnhance.Sharpness),
    ],
)
def test_enhancements(image, operation, kind, direction, factor):
    expected = enhanced(kind, image, factor)
    difference = np.abs(ours(image, operation, direction=direction) - expected)
    # Pillow leaves the outermost pixels unsharpened.
    assert difference[1:-1, 1:-1].max() <= 2


@pytest.mark.parametrize(("direction", "shift"), [(0, 14), (1, -14)])
def test_translations(image, direction, shift):
    expected = np.full_like(image, 128)
    if direction == 0:
        expected[:, shift:] = image[:, :-shift]
    else:
        expected[:, :shift] = image[:, -shift:]
    result = ours(image, "translate_x", direction=direction)
    np.testing.assert_array_equal(result, expected)
    result = ours(image.transpose(1, 0, 2), "translate_y", direction=direction)
    np.testing.assert_array_equal(result, expected.transpose(1, 0, 2))


@pytest.mark.parametrize(("direction", "angle"), [(0, -30), (1, 30)])
def test_rotation(image, direction, angle):
    # Pillow turns counterclockwise.
    expected = Image.fromarray(image).rotate(angle, fillcolor=(128,) * 3)
    same = np.all(ours(image, "rotate", direction=direction) == expected, axis=-1)
    assert same.mean() > 0.98  # but for ties between two neighbours


@pytest.mark.parametrize(("direction", "slope"), [(0, 0.3), (1, -0.3)])
def test_shears(image, direction, slope):
    result = ours(image, "shear_x", direction=direction)
    for row in range(SIDE):
        shift = slope * (row - (SIDE - 1) / 2)
        source = np.floor(np.arange(SIDE) - shift + 0.5).astype(int)
        inside = (source >= 0) & (source < SIDE)
        expected = np.where(
            inside[:, None], image[row, np.clip(source, 0, SIDE - 1)], 128
        )
        assert np.all(result[row] == expected, axis=-1).mean() > 0.9
    turned = ours(image.transpose(1, 0, 2), "shear_y", direction=direction)
    np.testing.assert_array_equal(turned, result.transpose(1, 0, 2))


def test_every_image_has_an_operation_of_its_own(image):
    count = len(randaugment.OPERATIONS)
    batch = tf.constant(np.repeat(image[None], count, 0))
    result = randaugment.apply(batch, tf.range(count), tf.zeros(count, tf.int32), 7)
    for number, operation in enumerate(randaugment.OPERATIONS):
        np.testing.assert_array_equal(result[number], ours(image, operation, 7))


def test_layers_draw_every_operation(image):
    drawn = []

    def draw(purpose, lanes):
        del purpose
        bits = np.random.RandomState(0).randint(0, 2**32, (256, lanes), np.uint64)
        drawn.append(bits)
        return tf.constant(bits, tf.uint32)

    batch = tf.constant(np.repeat(image[None], 256, 0))
    result = randaugment.randaugment(batch, 2, 5, draw).numpy()
    operations = (drawn[0][:, ::2] >> 16) * len(randaugment.OPERATIONS) >> 16
    assert set(operations.ravel()) == set(range(len(randaugment.OPERATIONS)))
    directions = (drawn[0][:, 1::2] >> 31).astype(int)
    expected = image
    for layer in range(2):
        name = randaugment.OPERATIONS[int(operations[0, layer])]
        expected = ours(expected.astype(np.uint8), name, 5, directions[0, layer])
    np.testing.assert_array_equal(result[0], expected)


def test_each_image_draws_its_own_operation_which_keras_does_not_do(image):
    """Keras's, once for a batch, is the reason for this one: else it would be used."""
    batch = np.tile(image, (32, 1, 1, 1))

    def draw(purpose, lanes):
        return hashing.random_bits(0, 0, tf.range(32), purpose, lanes)

    found = randaugment.randaugment(tf.constant(batch), 1, 5, draw).numpy()
    assert len({one.tobytes() for one in found}) > 10
    layer = keras.layers.RandAugment(num_ops=1, seed=1)
    drawn = layer.get_random_transformation(batch.astype("float32"))
    assert np.shape(drawn["layer_idxes"]) == (1,)
