#!/usr/bin/env bash
# The frame of a GIF may be smaller than its screen. What it leaves free is transparent in
# every browser; Pillow paints it with whatever the palette has first, and gives an opaque
# image. The same file with an unused transparent colour declared is read as transparent.
#
# Why it matters: optimisers crop frames to what isn't empty, so stickers and icons are
# such files. Their background becomes a colour of the object, another one in each file,
# which a classifier can learn.
#
# Versions: pillow 13.0.0.
# Expected: an image with transparent borders, or white ones.
# Seen: mode P without transparency; the border is red, the first colour of the palette.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct

from PIL import Image

RED, BLUE = (200, 30, 40), (20, 60, 220)
picture = Image.new("P", (4, 2), 1)
picture.putpalette([*RED, *BLUE])


def on_a_larger_screen(**options):
    """A GIF of 8x6 whose one frame, of 4x2, lies at (2, 2)."""
    stream = io.BytesIO()
    picture.save(stream, "GIF", optimize=False, **options)
    content = stream.getvalue()
    at = content.index(b",\0\0\0\0\x04\0\x02\0")
    screen, place = struct.pack("<HH", 8, 6), struct.pack("<HH", 2, 2)
    return content[:6] + screen + content[10 : at + 1] + place + content[at + 5 :]


def corner_and_middle(content):
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (8, 6)
        rgba = image.convert("RGBA")
        return rgba.getpixel((0, 0)), rgba.getpixel((3, 3))


plain = corner_and_middle(on_a_larger_screen())
declared = corner_and_middle(on_a_larger_screen(transparency=3))
print("no transparent colour:    corner", plain[0], "frame", plain[1])
print("an unused one is declared: corner", declared[0], "frame", declared[1])
# no transparent colour:    corner (200, 30, 40, 255) frame (20, 60, 220, 255)
# an unused one is declared: corner (0, 0, 0, 0) frame (20, 60, 220, 255)
assert plain == ((*RED, 255), (*BLUE, 255))
assert declared[0][3] == 0
assert declared[1] == (*BLUE, 255)
print("seen: what no frame covers has the palette's first colour")
PYTHON
