"""Which files are images: told by their content, whatever they are called."""

import re

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
)
"""What names of image files end in, in any case."""

REFUSED_SUFFIXES = (".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".svg", ".psd")
"""Of images that are never read: they are named, not left out."""

ACCEPTED = "a whole JPEG, PNG, BMP, GIF, WebP or TIFF file"

# What a kind's content starts with, as in libmagic.
_STARTS = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "BMP": rb"BM",
    "WebP": rb"RIFF.{4}WEBP",
    "TIFF": rb"II\*\0|MM\0\*",
    "BigTIFF": rb"II\+\0|MM\0\+",
    # Some are of the family that HEIC is of as well, and say AVIF behind that.
    "AVIF": rb".{4}ftyp((mif1|msf1).{4}(.{4}){0,8}?)?(avif|avis)",
    "HEIC": rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "Photoshop": rb"8BPS",
    "PDF": rb"%PDF",
    "SVG": rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg",
    "HTML": rb"(?i:\s*<(!doctype )?html)",
    "Git LFS pointer": rb"version https://git-lfs",
}
_READ = ("JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF")
_CONVERT = ("AVIF", "HEIC", "JPEG XL", "JPEG 2000", "BigTIFF", "Photoshop", "SVG")


class BadImage(ValueError):
    """A file that can't be used as an image.

    Attributes:
        reason: What it is or what is wrong with it, as a noun phrase.
        accepted: What would be accepted, or what to do.
    """

    def __init__(self, reason: str, accepted: str = ACCEPTED):
        super().__init__(reason)
        self.reason = reason
        self.accepted = accepted


def kind_of(content: bytes) -> str:
    """Whether it is a "JPEG", "PNG", "GIF", "BMP", "WebP" or "TIFF".

    Raises:
        BadImage: If it is anything else, which it names if it is known.

    Example:
        >>> images.kind_of(tf.io.encode_png(np.zeros((8, 8, 3), np.uint8)).numpy())
        'PNG'
    """
    start = content[:1024]
    for kind, pattern in _STARTS.items():
        if re.match(pattern, start, re.DOTALL):
            if kind in _READ:
                return kind
            accepted = ACCEPTED
            if kind in _CONVERT:
                accepted += ": convert it before (magick photo.heic photo.jpg)"
            article = "an" if kind in ("AVIF", "SVG", "HTML") else "a"
            raise BadImage(f"{article} {kind} file", accepted)
    raise BadImage("a file that is no image" if content else "an empty file")
