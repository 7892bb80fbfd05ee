#!/usr/bin/env bash
# pybboxes' BoundingBox keeps its corners twice, and shift, scale and clamp change one of
# the two: after them `values` and every conversion show the new box, while iou, intersection,
# area, width and height are still those of the old one.
#
# Why it matters: a box that is moved onto another overlaps it by 0, one clamped to the image
# keeps its area outside. Matching, filtering by area and suppression then work on boxes that
# are no longer there, while what is printed or saved is right. Boxes of the other formats
# (COCO, YOLO, ...) are right, as is the same box once it is converted.
#
# Versions: pybboxes 0.2.0, numpy 2.3.5, pycocotools 2.0.11.
# Expected: an IoU of 1 with the box it was moved onto, 0 with where it was.
# Seen: 0 and 1; an area of 100 for 20 x 20 pixels, of 400 for the 10 x 10 that are in the
#   image.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile numpy==2.3.5 pycocotools==2.0.11 pyyaml==6.0.3
"$folder/venv/bin/pip" install -qq --no-compile --no-deps pybboxes==0.2.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
from pybboxes import BoundingBox

SIZE = (100, 100)


def area(box):
    """Area by the corners that the box shows."""
    left, top, right, bottom = box.values
    return (right - left) * (bottom - top)


there, here = BoundingBox(50, 50, 60, 60, SIZE), BoundingBox(0, 0, 10, 10, SIZE)
moved = BoundingBox(0, 0, 10, 10, SIZE).shift((50, 50))
print(f"moved to {moved.values}: IoU {moved.iou(there)} there, {moved.iou(here)} where it was")
assert moved.values == there.values and moved.iou(there) == 0 and moved.iou(here) == 1
converted = moved.to_coco()
print(f"as COCO: {converted.iou(there)} there, {converted.iou(here)} where it was")
assert converted.iou(there) == 1 and converted.iou(here) == 0
by_coco = BoundingBox(0, 0, 10, 10, SIZE).to_coco().shift((50, 50))
assert by_coco.iou(there) == 1 and by_coco.iou(here) == 0

scaled = BoundingBox(0, 0, 10, 10, SIZE).scale(4)
clamped = BoundingBox(-10, -10, 10, 10, SIZE).clamp()
for name, box in (("scaled", scaled), ("clamped", clamped)):
    print(f"{name} to {box.values}: area {box.area}, by its corners {area(box)}")
assert (scaled.area, area(scaled)) == (100, 400)
assert (clamped.area, area(clamped)) == (400, 100)
print("seen: overlaps and areas are those of the old box")
PYTHON
