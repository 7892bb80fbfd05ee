#!/usr/bin/env bash
# ensemble-boxes' soft_nms lowers the scores of overlapping boxes on a copy and returns the
# scores that it was given: ten boxes on one object come back as ten boxes with their scores.
#
# Why it matters: the lowered scores are the whole result of soft NMS; what they are lowered
# to decides here only whether a box passes `thresh`, 0.001, which none of them fails. The
# detections are those without any suppression, and precision falls with every model added.
# Who passes `weights`, moreover, finds the own list of scores changed, and other scores in
# the second call than in the first.
#
# Versions: ensemble-boxes 1.0.9, numba 0.68.1, numpy 2.3.5.
# Expected: score * exp(-IoU^2 / sigma) for each better box (Bodla et al. 2017, equation 3).
# Seen: 0.9, 0.8 and 0.7 for three boxes of an IoU of 0.9 to 0.95; with weights of 2 and 1
#   0.60 in the first call, 0.40 in the second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile ensemble-boxes==1.0.9 numba==0.68.1 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from ensemble_boxes import nms, soft_nms

SIGMA = 0.5


def overlap(one, other):
    """IoU of two boxes `[x1, y1, x2, y2]`."""
    left, top = np.maximum(one[:2], other[:2])
    right, bottom = np.minimum(one[2:], other[2:])
    both = max(right - left, 0) * max(bottom - top, 0)
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (one, other)]
    return both / (sum(areas) - both)


def by_the_paper(boxes, scores):
    """Scores by Gaussian soft NMS, in the order of the boxes."""
    left, rest = np.array(scores), list(range(len(boxes)))
    while rest:
        best = max(rest, key=lambda i: left[i])
        rest.remove(best)
        for i in rest:
            left[i] *= np.exp(-(overlap(boxes[best], boxes[i]) ** 2) / SIGMA)
    return left


boxes = np.array([[0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.5, 0.5], [0.14, 0.1, 0.5, 0.5]])
scores, labels = [0.9, 0.8, 0.7], [0, 0, 0]
for method, name in ((1, "linear"), (2, "Gaussian")):
    _, seen, _ = soft_nms([boxes], [scores], [labels], method=method, sigma=SIGMA)
    print(f"{name}: scores {sorted(seen.tolist(), reverse=True)}")
    assert sorted(seen.tolist(), reverse=True) == scores
expected = by_the_paper(boxes, scores)
print(f"Gaussian by the paper: {expected.round(3).tolist()}")
assert expected[0] == 0.9 and max(expected[1:]) < 0.15

shared = [[0.9], [0.8]]
for call in ("first", "second"):
    _, seen, _ = nms([boxes[:1], boxes[1:2]], shared, [[0], [0]], weights=[2, 1])
    print(f"weights of 2 and 1, {call} call: {seen[0]:.2f}")
assert abs(seen[0] - 0.9 * (2 / 3) ** 2) < 1e-6
print("seen: soft NMS returns the scores it was given")
PYTHON
