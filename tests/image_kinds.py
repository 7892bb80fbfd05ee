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
