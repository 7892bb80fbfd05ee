#!/usr/bin/env bash
# map-boxes matches the detections of an image with its boxes in the order of the rows of the
# table, not of their confidence: the first row that overlaps takes the box, and a better and
# surer one below it is a false positive. Images without annotations aren't looked at, either.
#
# Why it matters: the mean average precision depends on how the table is sorted. A detector's
# output is sorted by confidence, that of an ensemble, of tiles or of a data frame grouped by
# image isn't; the same detections then have half of the value. And a detector that finds
# things on empty images has a perfect one: `exclude_not_in_annotations`, whose default is
# False, changes nothing.
#
# Versions: map-boxes 1.0.6, pandas 3.1.1, numpy 2.3.5; faster-coco-eval 1.8.0, COCO's
#   evaluation, for comparison.
# Expected: 1.0 for both orders (as PASCAL VOC and COCO: by decreasing confidence), and 0.5
#   where the surer one of two detections is on an empty image.
# Seen: 1.0 and 0.5; 1.0 for the false alarm with either setting.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile map-boxes==1.0.6 pandas==3.1.1 numpy==2.3.5 \
  faster-coco-eval==1.8.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from map_boxes import mean_average_precision_for_boxes

# ImageID, LabelName, Conf, XMin, XMax, YMin, YMax; a box of 10 x 10 and one of an IoU of 0.9.
SURE = ["one", "cat", 0.9, 0, 10, 0, 10]
UNSURE = ["one", "cat", 0.1, 0, 9, 0, 10]
ALARM = ["empty", "cat", 0.95, 0, 9, 0, 10]
TRUTH = [["one", "cat", 0, 10, 0, 10]]


def by_map_boxes(rows, **options):
    """Mean average precision at an IoU of 0.5."""
    truth, found = np.array(TRUTH, object), np.array(rows, object)
    return float(mean_average_precision_for_boxes(truth, found, verbose=False, **options)[0])


def by_coco(rows):
    """The same by COCO's evaluation, which interpolates at 101 recalls."""
    images = {"one": 1, "empty": 2}

    def box(row):
        left, right, top, bottom = row[-4:]
        return {
            "image_id": images[row[0]],
            "category_id": 1,
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
        }

    truth = COCO(
        {
            "images": [{"id": i, "width": 20, "height": 20} for i in images.values()],
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": [{"id": i + 1, **box(row)} for i, row in enumerate(TRUTH)],
        }
    )
    found = truth.loadRes([{**box(row), "score": row[2]} for row in rows])
    evaluation = COCOeval_faster(truth, found, "bbox", print_function=lambda *_: None)
    evaluation.run()
    return float(evaluation.stats[1])


for name, rows in (("surest first", [SURE, UNSURE]), ("surest last", [UNSURE, SURE])):
    print(f"{name}: {by_map_boxes(rows):.2f}, by COCO {by_coco(rows):.2f}")
    assert by_coco(rows) > 0.99
assert by_map_boxes([SURE, UNSURE]) == 1 and by_map_boxes([UNSURE, SURE]) == 0.5
alarm = [by_map_boxes([SURE, ALARM], exclude_not_in_annotations=e) for e in (False, True)]
print(f"false alarm on an empty image: {alarm}, by COCO {by_coco([SURE, ALARM]):.2f}")
assert alarm == [1, 1] and abs(by_coco([SURE, ALARM]) - 0.5) < 0.01
print("seen: the value depends on the order of the rows")
PYTHON
