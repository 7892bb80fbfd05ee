import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ltpa_tf.data import decode_image, resize


def encode(array, kind, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return tf.constant(file.getvalue())


@pytest.fixture(scope="module")
def photo():
    coarse = np.random.RandomState(0).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.array(Image.fromarray(coarse).resize((800, 600), Image.BICUBIC))


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_lossless_files_come_back_exactly(photo, kind):
    np.testing.assert_array_equal(decode_image(encode(photo, kind)), photo)
    np.testing.assert_array_equal(decode_image(encode(photo, kind), (600, 800)), photo)


def test_grey_alpha_and_16_bits():
    grey = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)
    expected = np.repeat(grey[..., None], 3, -1)
    alpha = np.concatenate([expected, np.full((8, 8, 1), 255, np.uint8)], -1)
    deep = grey.astype(np.uint16) * 256 + 255
    for array in (grey, alpha, deep):
        np.testing.assert_array_equal(decode_image(encode(array, "PNG")), expected)


def test_palette_and_cmyk(photo):
    palette = Image.fromarray(photo).quantize(16)
    file = io.BytesIO()
    palette.save(file, "PNG")
    expected = np.array(palette.convert("RGB"))
    np.testing.assert_array_equal(decode_image(tf.constant(file.getvalue())), expected)
    file = io.BytesIO()
    Image.fromarray(photo).convert("CMYK").save(file, "JPEG", quality=95)
    decoded = decode_image(tf.constant(file.getvalue())).numpy().astype(int)
    assert np.abs(decoded - photo).mean() < 4


@pytest.mark.parametrize(
    "size", [(32, 32), (64, 48), (140, 150), (400, 300), (700, 900)]
)
def test_jpeg_at_any_fraction_looks_like_pillow_s(photo, size):
    """Whichever of libjpeg's fractions is decoded, the picture is the same."""
    ours = decode_image(encode(photo, "JPEG", quality=95), size).numpy().astype(int)
    assert ours.shape == (*size, 3)
    expected = Image.fromarray(photo).resize(size[::-1], Image.BILINEAR)
    difference = np.abs(ours - np.array(expected))
    assert difference.mean() < 2
    assert difference.max() < 20


def test_the_same_in_tf_data(photo):
    encoded = encode(photo, "JPEG")
    dataset = tf.data.Dataset.from_tensors(encoded)
    (image,) = dataset.map(lambda content: decode_image(content, (40, 40)))
    np.testing.assert_array_equal(image, decode_image(encoded, (40, 40)))


def test_resize_is_antialiased_and_keeps_what_fits():
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    even = resize(stripes, (16, 16)).numpy()
    assert np.abs(even[:, :, 1:-1].astype(int) - 128).max() <= 2
    np.testing.assert_array_equal(resize(stripes, (64, 64)), stripes)
