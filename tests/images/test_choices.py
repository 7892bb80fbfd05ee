"""What can be chosen: aspect, background, window; and what follows from a header."""

import io

import numpy as np
import pytest
import tensorflow as tf
from image_kinds import encode, lying, picture, tiff
from PIL import Image

from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, Preprocessing, files, sending
from ltpa_tf.images.check import check
from ltpa_tf.images.fit import fit
from ltpa_tf.serving import images as server_images


def seen(content, size=None, chosen=DEFAULT):
    """As training and predictions see it."""
    return files.decoded(content, check(content).code, size, chosen)


def served(content, size, chosen=DEFAULT):
    return server_images.decode_batch(tf.constant([content]), size, chosen)[0].numpy()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_orientation_in_every_format(form, orientation):
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}.get(form, {})
    content = lying(picture(), orientation, form, **options)
    upright = seen(content)
    assert upright.shape == picture().shape
    assert np.abs(upright.astype(int) - picture()).max() <= (6 if form == "JPEG" else 0)
    if form in ("JPEG", "PNG"):
        np.testing.assert_array_equal(served(content, upright.shape[:2]), upright)


def test_a_turned_photo_at_a_fraction_of_its_size_is_the_upright_one():
    """libjpeg's fraction is chosen by the sides as they are seen, not as stored."""
    wide = np.tile(picture(), (4, 9, 1))
    content = lying(wide, 6, "JPEG", quality=100)
    upright = encode(wide, "JPEG", quality=100)
    difference = seen(content, (48, 48)).astype(int) - seen(upright, (48, 48))
    assert np.abs(difference).mean() < 1


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("value", [0, 9, 6])
def test_exif_of_either_byte_order_and_values_that_mean_nothing(byte_order, value):
    short, long = (2, byte_order), (4, byte_order)
    exif = b"".join(
        [
            b"II*\0" if byte_order == "little" else b"MM\0*",
            (8).to_bytes(*long),
            (1).to_bytes(*short),
            (0x0112).to_bytes(*short) + (3).to_bytes(*short) + (1).to_bytes(*long),
            value.to_bytes(*short) + b"\0\0",
            (0).to_bytes(*long),
        ]
    )
    content = encode(picture(), exif=exif)
    expected = np.rot90(picture(), -1) if value == 6 else picture()
    np.testing.assert_array_equal(seen(content), expected)
    np.testing.assert_array_equal(served(content, expected.shape[:2]), expected)


def test_one_picture_saved_three_ways_is_one_picture():
    """What lies hidden under transparent pixels changes nothing."""
    rgb, mask = picture(), np.zeros((48, 64, 1), np.uint8)
    mask[10:30, 10:50] = 255
    hidden = np.random.default_rng(0).integers(0, 256, rgb.shape, np.uint8)
    on_white = np.where(mask, rgb, 255)
    palette = Image.fromarray(on_white).quantize(255)
    ways = [
        encode(np.concatenate([rgb, mask], -1)),
        encode(np.concatenate([np.where(mask, rgb, hidden), mask], -1)),
        encode(
            np.concatenate([np.where(mask, rgb, 0), mask], -1),
            "WEBP",
            lossless=True,
            exact=True,
        ),
    ]
    for content in ways:
        np.testing.assert_array_equal(seen(content), on_white)
    np.testing.assert_array_equal(served(ways[1], (48, 64)), on_white)
    # A palette one of whose colours is transparent.
    clear = palette.getpixel((0, 0))
    content = encode(palette, transparency=clear)
    np.testing.assert_array_equal(seen(content)[0, 0], [255, 255, 255])
    red = Preprocessing(background=(255, 0, 0))
    for way in (seen(content, None, red), served(content, (48, 64), red)):
        np.testing.assert_array_equal(way[0, 0], [255, 0, 0])


def test_a_window_spreads_the_few_levels_of_a_camera():
    """12 bits in 16: floor(256 (v - low) / (high - low + 1))."""
    values = np.array([[299, 300, 445, 590, 591]], np.uint16)
    window = Preprocessing(window=(300, 590))
    expected = [0, 0, 127, 255, 255]
    for content in (encode(values), encode(values, "TIFF")):
        np.testing.assert_array_equal(seen(content, None, window)[0, :, 0], expected)
    np.testing.assert_array_equal(
        served(encode(values), (1, 5), window)[0, :, 0], expected
    )
    np.testing.assert_array_equal(seen(encode(values))[0, :, 0], [1, 1, 1, 2, 2])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("extra", [(), (0,), (1,), (2,)])
def test_all_16_bits_of_colours_count(order, extra):
    """Of TIFF, of which Pillow keeps the upper 8: a window takes what it wants."""
    random = np.random.default_rng(0)
    colours = random.integers(300, 591, (5, 7, 3), np.uint16)
    opacity = random.integers(20000, 65536, (5, 7, len(extra)), np.uint16)
    stored = colours
    if extra == (1,):  # multiplied by their opacity
        stored = np.rint(colours * (opacity / 65535)).astype(np.uint16)
    values = np.concatenate([stored, opacity], -1)
    content = tiff(values, order=order, extra=extra)
    window = Preprocessing(window=(300, 590))
    expected = (colours.astype(int) - 300) * 256 // 291
    if extra in ((1,), (2,)):
        share = (opacity >> 8) / 255
        expected = np.rint(expected * share + 255 * (1 - share))
    difference = seen(content, None, window) - expected
    assert np.abs(difference).max() <= (3 if extra == (1,) else 0)
    lowest, highest = check(content).levels
    assert abs(lowest - int(colours.min())) <= 2
    assert abs(highest - int(colours.max())) <= 2


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_sent_as_they_are(tmp_path, channels):
    random = np.random.default_rng(0)
    values = random.integers(0, 65536, (48, 64, channels), np.uint16)
    (tmp_path / "deep.tif").write_bytes(tiff(values, extra=(2,) * (channels == 4)))
    sent = sending.sendable(tmp_path / "deep.tif")
    decoded = tf.io.decode_png(sent, channels=channels, dtype=tf.uint16)
    np.testing.assert_array_equal(decoded, values)


def test_few_levels_are_warned_about_with_the_files_name(tmp_path, caplog):
    values = np.linspace(300, 590, 100, dtype=np.uint16).reshape(10, 10)
    (tmp_path / "thermal.png").write_bytes(encode(values))
    (tmp_path / "all.png").write_bytes(encode(values * 100))
    paths = [tmp_path / "thermal.png", tmp_path / "all.png"]
    files.read_images(paths, (10, 10), DEFAULT)
    said = caplog.text
    assert "1 of 2 16-bit images keep fewer than 32 of 256 levels" in said
    assert "thermal.png, with values 300 to 590, of which 2 are left" in said
    caplog.clear()
    files.read_images(paths[:1], (10, 10), Preprocessing(window=(300, 590)))
    assert "16-bit" not in caplog.text


@pytest.mark.parametrize("chosen", ["squash", "pad", "crop"])
def test_aspects(chosen):
    """A picture twice as wide as high: 4 columns, 2 rows."""
    columns = np.array([10, 20, 30, 40], np.uint8)
    wide = np.tile(columns[:, None], (2, 1, 3))
    fitted = fit(tf.constant(wide), (4, 4), chosen, (1, 2, 3)).numpy()
    if chosen == "squash":
        np.testing.assert_array_equal(fitted[..., 0], np.tile(columns, (4, 1)))
    elif chosen == "pad":  # one row above and below
        np.testing.assert_array_equal(fitted[1:3], wide)
        np.testing.assert_array_equal(fitted[::3], np.full((2, 4, 3), (1, 2, 3)))
    else:  # the middle two columns, bilinearly to four
        np.testing.assert_array_equal(fitted[0, :, 0], [20, 23, 28, 30])


@pytest.mark.parametrize("chosen", ["squash", "pad", "crop"])
@pytest.mark.parametrize("size", [(1, 9), (9, 1), (37, 100), (64, 64), (500, 300)])
def test_aspects_are_the_same_in_training_and_serving(chosen, size):
    image = np.asarray(Image.fromarray(picture()).resize(size))
    for form in ("PNG", "JPEG"):
        content = encode(image, form)
        choice = Preprocessing(aspect=chosen, background=(9, 8, 7))
        trained = seen(content, (32, 24), choice)
        assert trained.shape == (32, 24, 3)
        np.testing.assert_array_equal(served(content, (32, 24), choice), trained)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"aspect": "fill"},
            "expected one of squash, pad, crop.*Received: 'fill'",
        ),
        ({"background": (0, 0)}, "background"),
        ({"background": (0, 0, 256)}, "each 0 to 255"),
        ({"window": (5, 5)}, "low < high"),
        ({"window": (0, 65536)}, "<= 65535"),
    ],
)
def test_choices_that_cannot_be_used(settings, said):
    with pytest.raises(SettingError, match=said):
        Preprocessing(**settings)


def test_what_earlier_versions_did_not_write_has_its_default():
    assert Preprocessing.of({}) == DEFAULT
    chosen = Preprocessing("pad", (1, 2, 3), (4, 5))
    assert Preprocessing.of({**chosen.to_dict(), "later": 1}) == chosen


def test_cut_off_at_any_place_a_jpeg_with_an_end_marker_is_named():
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    image = np.asarray(Image.fromarray(noise).resize((128, 96)))
    for progressive in (False, True):
        whole = encode(image, "JPEG", quality=85, progressive=progressive)
        check(whole)
        check(whole + b"what some programs append")
        for cut in range(2, len(whole) * 9 // 10, 61):
            with pytest.raises(ValueError, match="ends before its last pixel|decoded"):
                check(whole[:cut] + b"\xff\xd9")


@pytest.mark.parametrize("size", [(8, 16), (40, 40), (96, 128), (300, 500)])
def test_a_server_names_it_too_at_any_fraction_that_it_decodes(size):
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)
    image = Image.fromarray(noise).resize((128, 96))
    thumbnail = encode(noise, "JPEG")
    for options in (
        {"subsampling": 0},
        {"subsampling": 2, "restart_marker_blocks": 3},
        {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail},
        {"progressive": True},
    ):
        whole = encode(image, "JPEG", quality=85, **options)
        served(whole, size)
        served(whole + b"what some programs append\xff\xd9", size)
        pixels = whole.rindex(b"\xff\xda") if "exif" in options else 0
        for share in (0.4, 0.6, 0.8) if not options.get("progressive") else (0.5,):
            cut = pixels + int(share * (len(whole) - pixels))
            with pytest.raises(tf.errors.InvalidArgumentError, match="last pixel"):
                served(whole[:cut] + b"\xff\xd9", size)


@pytest.mark.parametrize("name", ["flat", "dark corner", "restarts", "one pixel"])
def test_whole_jpegs_that_look_cut_off_are_not(name):
    image = np.full((96, 128, 3), 128, np.uint8)
    if name == "dark corner":
        image[:64] = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    options = {"restart_marker_rows": 1} if name == "restarts" else {}
    image = image[:1, :1] if name == "one pixel" else image
    for progressive in (False, True):
        whole = encode(image, "JPEG", progressive=progressive, **options)
        check(whole)
        served(whole, (40, 40))


def test_images_too_large_for_a_server_are_sent_smaller(tmp_path, monkeypatch):
    """In size, not in depth or transparency."""
    monkeypatch.setattr(sending, "MAX_PIXELS", 1000)
    for mode, image, form in (
        ("I;16", np.full((60, 40), 300, np.uint16), "PNG"),
        ("RGBA", np.full((60, 40, 4), 200, np.uint8), "PNG"),
        ("RGB", picture(), "JPEG"),
    ):
        path = tmp_path / "image"
        path.write_bytes(encode(image, form))
        with Image.open(io.BytesIO(sending.sendable(path))) as sent:
            assert 500 < sent.width * sent.height <= 1000
            assert sent.mode == mode
            difference = np.asarray(sent).mean() - image.mean()
            assert abs(difference) < 1
