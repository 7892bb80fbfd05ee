"""One small file of every kind that people have, and what a person sees in it."""

import dataclasses
import io
import struct
import zlib

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64


@dataclasses.dataclass(frozen=True)
class Kind:
    """A file.

    Attributes:
        name: As in docs/images.md.
        suffix: Of its name.
        content: All of it.
        seen: uint8 [H, W, 3], what viewers show; None where nothing can be.
        within: By how much a decoder may differ, on the average.
    """

    name: str
    suffix: str
    content: bytes
    seen: np.ndarray | None = None
    within: float = 0


def picture() -> np.ndarray:
    """A smooth picture that no turn and no exchange of channels leaves as it is."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    return np.uint8(255 * np.stack([rows, columns, (1 - rows) * columns], -1))


def encode(image: np.ndarray | Image.Image, form: str = "PNG", **options) -> bytes:
    """A file that Pillow writes."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def lying(image: np.ndarray, orientation: int, form: str, **options) -> bytes:
    """A file whose pixels lie so that `orientation` makes them `image`."""
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(image).transpose(turns[undo[orientation]])
    return encode(stored, form, exif=exif, **options)


def frames(form: str) -> bytes:
    """An animation of two pictures, or a file of two pages."""
    first, second = Image.fromarray(picture()), Image.fromarray(255 - picture())
    return encode(first, form, save_all=True, append_images=[second])


def bmp(bits: int, pixels: bytes, *, compression: int = 0, masks: bytes = b"") -> bytes:
    """A bitmap with these rows, which go from the bottom up."""
    start = 54 + len(masks)
    return (
        struct.pack("<2sIII", b"BM", start + len(pixels), 0, start)
        + struct.pack("<IiiHHII", 40, WIDTH, HEIGHT, 1, bits, compression, len(pixels))
        + struct.pack("<iiII", 2835, 2835, 0, 0)
        + masks
        + pixels
    )


def tiff(
    values: np.ndarray,
    *,
    order: str = "<",
    photometric: int | None = None,
    extra: tuple[int, ...] = (),
    planar: bool = False,
    signed: bool = False,
) -> bytes:
    """A TIFF of 16 bits a channel, [H, W, C], which Pillow writes of grey alone.

    Args:
        values: uint16.
        order: Of the bytes.
        photometric: 0 white is zero, 1 black is zero, 2 colours.
        extra: What channels beyond colours are, such as (2,), opacity.
        planar: Channel after channel.
        signed: Said of the values.
    """
    height, width, channels = values.shape
    pixels = np.moveaxis(values, -1, 0) if planar else values
    photometric = (1 if channels == 1 else 2) if photometric is None else photometric
    body, entries = b"", []

    def entry(tag, kind, *numbers):
        nonlocal body
        packed = struct.pack(order + "HI"[kind == 4] * len(numbers), *numbers)
        if len(packed) > 4:
            body, packed = body + packed, struct.pack(order + "I", 8 + len(body))
        entries.append(struct.pack(order + "HHI4s", tag, kind, len(numbers), packed))

    stored = pixels.astype(order + "u2").tobytes()
    planes = channels if planar else 1
    size = len(stored) // planes
    body += stored
    entry(256, 4, width)
    entry(257, 4, height)
    entry(258, 3, *[16] * channels)
    entry(259, 3, 1)
    entry(262, 3, photometric)
    entry(273, 4, *[8 + size * plane for plane in range(planes)])
    entry(277, 3, channels)
    entry(278, 4, height)
    entry(279, 4, *[size] * planes)
    entry(284, 3, 2 if planar else 1)
    if extra:
        entry(338, 3, *extra)
    if signed:
        entry(339, 3, *[2] * channels)
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8 + len(body)) + body + directory


def thumbnail_first(content: bytes, image: np.ndarray) -> bytes:
    """A JPEG with a thumbnail in front of its EXIF, as ImageMagick sorts them."""
    inside = b"Photoshop 3.0\0" + encode(image[::4, ::4].copy(), "JPEG")
    return (
        content[:2]
        + b"\xff\xed"
        + struct.pack(">H", len(inside) + 2)
        + inside
        + content[2:]
    )


def with_border(gif: bytes, border: int) -> bytes:
    """A GIF whose one frame leaves a border, of nothing, of its screen."""
    height, width = HEIGHT + 2 * border, WIDTH + 2 * border
    at = gif.index(b",\0\0\0\0")
    screen, frame = (
        struct.pack("<HH", width, height),
        struct.pack("<HH", border, border),
    )
    return gif[:6] + screen + gif[10 : at + 1] + frame + gif[at + 5 :]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Of a PNG."""
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )


def huge() -> np.ndarray:
    """One more row than a server takes."""
    return np.zeros((4097, 8192), np.uint8)


def wrong_checksum(content: bytes) -> bytes:
    """A PNG one of whose pixels was damaged on the way."""
    at = content.index(b"IDAT") + 12
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def without_adobe(content: bytes) -> bytes:
    """A CMYK JPEG that doesn't say so: its Adobe segment is left out."""
    at = content.index(b"\xff\xee")
    return content[:at] + content[at + 16 :]


def kinds() -> list[Kind]:
    """All of them, in the order of the page."""
    rgb = picture()
    image = Image.fromarray(rgb)
    grey = np.asarray(image.convert("L"))
    grey3 = np.repeat(grey[..., None], 3, -1)
    palette = image.quantize(16)
    alpha = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    rgba = np.dstack([rgb, alpha])
    white = np.rint((rgb * 1.0 * rgba[..., 3:] + 255.0 * (255 - rgba[..., 3:])) / 255)
    white = white.astype(np.uint8)
    deep = grey.astype(np.uint16) * 256 + 77
    jpeg = encode(rgb, "JPEG", quality=95)
    cmyk = encode(image.convert("CMYK"), "JPEG", quality=95)
    red, green, blue = (rgb[::-1, :, channel].astype(np.uint16) for channel in range(3))
    five = (red >> 3 << 10 | green >> 3 << 5 | blue >> 3).astype("<u2").tobytes()
    six = (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).astype("<u2").tobytes()
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    plain = encode(rgb, "BMP")
    half = jpeg[: len(jpeg) * 9 // 10]
    return [
        Kind("JPEG", ".jpg", jpeg, rgb, 2),
        Kind(
            "JPEG, progressive",
            ".jpeg",
            encode(rgb, "JPEG", quality=95, progressive=True),
            rgb,
            2,
        ),
        Kind("JPEG, grey", ".jpg", encode(grey, "JPEG", quality=95), grey3, 2),
        Kind(
            "JPEG that lies on its side",
            ".jpg",
            lying(rgb, 6, "JPEG", quality=95),
            rgb,
            2,
        ),
        Kind(
            "JPEG that lies on its side, with a thumbnail before it says so",
            ".jpg",
            thumbnail_first(lying(rgb, 6, "JPEG", quality=95), rgb),
            rgb,
            2,
        ),
        Kind("JPEG, CMYK", ".jpg", cmyk, rgb, 3),
        Kind("JPEG, CMYK without Adobe's marker", ".jpg", without_adobe(cmyk), rgb, 3),
        Kind("JPEG with a second picture", ".jpg", frames("MPO"), rgb, 3),
        Kind("JPEG, cut off", ".jpg", half),
        Kind("JPEG, cut off, with an end marker", ".jpg", half + b"\xff\xd9"),
        Kind("PNG", ".png", encode(rgb), rgb),
        Kind(
            "PNG, palette", ".png", encode(palette), np.asarray(palette.convert("RGB"))
        ),
        Kind("PNG that lies on its side", ".png", lying(rgb, 8, "PNG"), rgb),
        Kind("PNG, transparent", ".png", encode(rgba), white),
        Kind("PNG, 16 bits", ".png", encode(deep), grey3),
        Kind("PNG, wrong checksum", ".png", wrong_checksum(encode(rgb))),
        Kind("PNG, animated", ".png", frames("PNG")),
        Kind("BMP", ".bmp", plain, rgb),
        Kind("BMP, padded", ".bmp", plain + b"\0\0", rgb),
        Kind("BMP, 16 bits, 5-5-5", ".bmp", bmp(16, five), rgb, 8),
        Kind(
            "BMP, 16 bits, 5-6-5",
            ".bmp",
            bmp(16, six, compression=3, masks=masks),
            rgb,
            8,
        ),
        Kind(
            "BMP, palette",
            ".bmp",
            encode(palette, "BMP"),
            np.asarray(palette.convert("RGB")),
        ),
        Kind("GIF", ".gif", encode(palette, "GIF"), np.asarray(palette.convert("RGB"))),
        Kind(
            "GIF, smaller than its screen",
            ".gif",
            with_border(encode(palette, "GIF"), 4),
            np.pad(
                np.asarray(palette.convert("RGB")),
                ((4, 4), (4, 4), (0, 0)),
                constant_values=255,
            ),
        ),
        Kind("GIF, animated", ".gif", frames("GIF")),
        Kind("WebP", ".webp", encode(rgb, "WEBP", lossless=True), rgb),
        Kind(
            "WebP, transparent",
            ".webp",
            encode(rgba, "WEBP", lossless=True, exact=True),
            white,
        ),
        Kind("WebP called .jpg", ".jpg", encode(rgb, "WEBP", lossless=True), rgb),
        Kind("WebP, animated", ".webp", frames("WEBP")),
        Kind("TIFF", ".tif", encode(rgb, "TIFF", compression="tiff_lzw"), rgb),
        Kind("TIFF, 16 bits", ".tiff", encode(deep, "TIFF"), grey3),
        Kind(
            "TIFF, 16 bits, white is 0",
            ".tif",
            tiff(65535 - deep[..., None], photometric=0),
            grey3,
        ),
        Kind("TIFF, 16 bits, colours", ".tif", tiff(rgb * np.uint16(256) + 99), rgb),
        Kind(
            "TIFF, 16 bits, colours in planes",
            ".tif",
            tiff(rgb * np.uint16(256) + 99, planar=True),
        ),
        Kind("TIFF, 16 bits, signed", ".tif", tiff(deep[..., None], signed=True)),
        Kind(
            "TIFF, 16 bits, grey with opacity",
            ".tif",
            tiff(np.dstack([deep, deep]), photometric=1, extra=(2,)),
        ),
        Kind("TIFF, 8 bits, signed", ".tif", encode(grey, "TIFF", tiffinfo={339: 2})),
        Kind("TIFF, several pages", ".tif", frames("TIFF")),
        Kind("TIFF, floats", ".tif", encode(grey.astype(np.float32), "TIFF")),
        Kind("AVIF", ".avif", struct.pack(">I", 24) + b"ftypavif\0\0\0\0mif1avif"),
        Kind("HEIC", ".heic", struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic"),
        Kind(
            "more than 33 megapixels",
            ".png",
            encode(huge()),
            np.zeros((*huge().shape, 3), np.uint8),
        ),
        Kind("a web page called .jpg", ".jpg", b"<!DOCTYPE html><p>Not found"),
        Kind("empty", ".png", b""),
    ]
