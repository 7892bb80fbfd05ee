"""Decoding inside the graph: what is read, and what is refused with a sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ltpa_tf import data
from ltpa_tf.data.folder import read_folder
from ltpa_tf.serving import images as image_files
from ltpa_tf.serving.sentences import sentence

SIZE = (32, 24)


@pytest.fixture(scope="module")
def decode():
    return tf.function(
        lambda encoded: image_files.decode_batch(encoded, SIZE),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def photo(height, width, channels=3):
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    planes = [rows, columns, 1 - rows, np.ones_like(rows)][:channels]
    return np.uint8(255 * np.stack(planes, -1).squeeze())


def encode(array, form="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, form, **options)
    return stream.getvalue()


def test_an_image_of_the_right_size_keeps_every_pixel(decode):
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    np.testing.assert_array_equal(decode([encode(image)])[0], image)


def test_resizing_agrees_with_pillow(decode):
    image = photo(311, 207)
    ours = decode([encode(image)])[0].numpy().astype(int)
    pillow = Image.fromarray(image).resize(SIZE[::-1], Image.Resampling.BILINEAR)
    assert np.abs(ours - np.asarray(pillow)).max() <= 1


def test_files_of_all_kinds_and_sizes_in_one_batch(decode):
    colour = photo(60, 80)
    files = [
        encode(colour),
        encode(colour, "JPEG", quality=95),
        encode(colour, "JPEG", progressive=True),
        encode(photo(90, 33, channels=1)),
        encode(photo(20, 20, channels=4)),
        encode(photo(40, 40, channels=1).astype(np.uint16) * 257),
    ]
    decoded = decode(files).numpy()
    assert decoded.shape == (6, *SIZE, 3)
    assert np.abs(decoded[0].astype(int) - decoded[1]).max() < 12  # lossy JPEG
    assert np.ptp(decoded[3], axis=-1).max() == 0  # grey is repeated
    np.testing.assert_array_equal(  # nothing of it is transparent
        decoded[4], decode([encode(photo(20, 20))])[0]
    )


def test_a_server_sees_the_pixels_that_training_saw(tmp_path):
    files = {
        "large.jpg": encode(photo(300, 401), "JPEG", quality=90),
        "twice.jpg": encode(photo(64, 48), "JPEG"),
        "small.jpeg": encode(photo(20, 23), "JPEG", progressive=True),
        "colour.png": encode(photo(90, 61)),
        "size.png": encode(photo(*SIZE)),
        "grey.png": encode(photo(44, 50, channels=1)),
        "alpha.png": encode(photo(70, 33, channels=4)),
        "deep.png": encode(photo(40, 40, channels=1).astype(np.uint16) * 257),
    }
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_bytes(content)
    source = data.load("folder", dir=str(tmp_path), image_size=32)
    parts = read_folder(tmp_path).parts
    for part, split in (("train", source.train), ("test", source.test)):
        contents = [one.path.read_bytes() for one in parts[part]]
        served = image_files.decode_batch(tf.constant(contents), (32, 32))
        np.testing.assert_array_equal(served, split.array)
    assert len(source.train) + len(source.test) == 2 * len(files)


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_header(width, height):
    fields = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", fields)


def animation(form):
    frames = [Image.fromarray(photo(20, 20)), Image.fromarray(255 - photo(20, 20))]
    stream = io.BytesIO()
    frames[0].save(stream, form, save_all=True, append_images=frames[1:])
    return stream.getvalue()


BAD = {
    "empty": (b"", "JPEG or PNG"),
    "text": (b"no image at all " * 50, "JPEG or PNG"),
    "bmp": (encode(photo(20, 20), "BMP"), "JPEG or PNG"),
    "gif": (animation("GIF"), "JPEG or PNG"),
    "animated png": (animation("PNG"), "no animation"),
    **{
        f"png of {length} bytes": (encode(photo(99, 99))[:length], "cut off")
        for length in (8, 15, 16, 20, 23)
    },
    "png cut in its pixels": (encode(photo(99, 99))[:200], "Invalid PNG"),
    "jpeg cut in its header": (encode(photo(99, 99), "JPEG")[:30], "Invalid JPEG"),
    "jpeg cut in its pixels": (encode(photo(99, 99), "JPEG")[:900], "Invalid JPEG"),
    "half a jpeg with an end marker": (
        encode(photo(99, 99), "JPEG")[:900] + b"\xff\xd9",
        "ends before its last pixel",
    ),
    "no pixels": (png_header(0, 10), "Invalid PNG"),
    "decompression bomb": (png_header(60_000, 60_000), "at most 33554432 pixels"),
    "absurd size": (png_header(2**31 + 5, 2**31 + 7), "at most 33554432 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_a_sentence(decode, name):
    content, expected = BAD[name]
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        decode([encode(photo(20, 20)), content])
    assert expected in sentence(caught.value.message)
    assert "node" not in sentence(caught.value.message)
