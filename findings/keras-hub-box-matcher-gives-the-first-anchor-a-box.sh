#!/usr/bin/env bash
# keras_hub.layers.BoxMatcher adds a column of -1 to the similarities, against empty ones.
# With force_match_for_each_col that column, too, is given its best row. All of its rows
# are equal, so it is the first: anchor 0 is positive, matched to a box that isn't there,
# unless a real box has it for its best.
#
# Why it matters: the index is one past the last box, and what is gathered for it is an
# error here and padding there. In each image the anchor of the first corner counts as
# one that shows an object.
#
# Versions: keras-hub 0.32.0, keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: of 4 anchors and 2 boxes, anchor 1 gets box 0, anchor 2 box 1, others none.
# Seen: anchor 0, which overlaps neither by more than 0.05, is positive for box 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras-hub==0.32.0 keras==3.15.1 tensorflow-cpu==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" - <<'PYTHON' 2>"$folder/log" || { cat "$folder/log"; exit 1; }
import keras_hub
import numpy as np

overlaps = np.array([[0.0, 0.05], [0.9, 0.0], [0.1, 0.3], [0.0, 0.0]], "float32")
boxes = overlaps.shape[1]


def match(values, **settings):
    matcher = keras_hub.layers.BoxMatcher(
        thresholds=[0.4, 0.5], match_values=[0, -1, 1], **settings
    )
    columns, kinds = (np.asarray(part) for part in matcher(values))
    found = {row: int(columns[row]) for row in range(len(values)) if kinds[row] == 1}
    print(settings or "by threshold", "anchor: box", found)
    return found


assert match(overlaps) == {1: 0}
forced = match(overlaps, force_match_for_each_col=True)
assert forced == {0: boxes, 1: 0, 2: 1}
# With the anchors the other way round it is again the first, now another one.
backwards = match(overlaps[::-1], force_match_for_each_col=True)
assert backwards == {0: boxes, 1: 1, 2: 0}
print("seen: the first anchor is positive for box", boxes, "of 0 to", boxes - 1)
PYTHON
