#!/usr/bin/env bash
# ensemble-boxes' weighted_boxes_fusion returns confidences above 1 where the models have
# weights and one of them gives two boxes for an object, although `allows_overflow=False`,
# the default, is "false if we want confidence score not exceed 1.0".
#
# Why it matters: it counts the boxes of a cluster as if each came from another model. Two
# boxes of the model with the weight 3 then count as six of four votes, and an object that
# one model saw twice is ranked above one that all of them saw, each with certainty. Without
# weights, or for a single box a model, all is well.
#
# Versions: ensemble-boxes 1.0.9, numba 0.68.1, numpy 2.3.5.
# Expected: at most the 0.9 of its best box, and below the object that both models saw; a
#   confidence of 1 or less, as conf_type="box_and_model_avg" gives it.
# Seen: 1.275 for the two boxes of one model, 1.0 for the object that both are certain of.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile ensemble-boxes==1.0.9 numba==0.68.1 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
from ensemble_boxes import weighted_boxes_fusion

twice = [[0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.5, 0.5]]  # one object, IoU 0.95
by_both = [0.6, 0.6, 0.9, 0.9]
boxes = [[*twice, by_both], [by_both]]
scores = [[0.9, 0.8, 1.0], [1.0]]
labels = [[0, 0, 0], [0]]


def fused(weights, **options):
    """Confidences of the object seen twice by one model and of the one seen by both."""
    found, confidences, _ = weighted_boxes_fusion(
        boxes, scores, labels, weights=weights, allows_overflow=False, **options
    )
    twice_at, both_at = (0, 1) if found[0][0] < 0.5 else (1, 0)
    return float(confidences[twice_at]), float(confidences[both_at])


for weights in (None, [1, 1], [3, 1]):
    print(f"weights {weights}: seen twice by one {fused(weights)[0]:.3f},", end=" ")
    print(f"by both {fused(weights)[1]:.3f}")
assert abs(fused([1, 1])[0] - 0.85) < 1e-6
seen = fused([3, 1])
assert abs(seen[0] - (0.9 + 0.8) / 2 * 3 * 2 / 4) < 1e-6 and abs(seen[1] - 1) < 1e-6
hybrid = fused([3, 1], conf_type="box_and_model_avg")
print(f"box_and_model_avg: {hybrid[0]:.3f}, {hybrid[1]:.3f}")
assert hybrid[0] < 0.9 and abs(hybrid[1] - 1) < 1e-6
print("seen: a confidence of 1.275")
PYTHON
