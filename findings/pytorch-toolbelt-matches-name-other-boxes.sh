#!/usr/bin/env bash
# pytorch-toolbelt's match_bboxes sorts the predictions by confidence and turns the indices
# of its matches back with the inverse of the permutation that it needs: for three boxes or
# more true_positive_indexes pairs annotated boxes with predictions that don't touch them.
#
# Why it matters: these pairs are what one takes to measure how well the boxes fit, to read
# the scores of the right ones or to draw them. The counts are right, so nothing looks wrong;
# with two predictions, as in a first test, and with sorted ones, the pairs are right too.
#
# Versions: pytorch-toolbelt 0.8.0, torch 2.14.1, torchvision 0.29.1, numpy 2.3.5.
# Expected: pairs (prediction, truth) that overlap by the threshold, as match_bboxes_hungarian
#   of the same module gives them.
# Seen: for three perfect predictions with the scores 0.5, 0.9 and 0.7 no pair overlaps; for
#   20 in random order 18 pairs on average don't.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pytorch-toolbelt==0.8.0 \
  torch==2.14.1 torchvision==0.29.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from pytorch_toolbelt.utils.bboxes_utils import match_bboxes, match_bboxes_hungarian


def row_of_boxes(count):
    """`[count, 4]`: boxes of 10 x 10 pixels that don't touch each other."""
    left = 20.0 * np.arange(count)
    return np.stack([left, 0 * left, left + 10, 0 * left + 10], axis=1)


def pairs(scores):
    """Pairs for predictions that are the annotated boxes, by both functions."""
    boxes, labels = row_of_boxes(len(scores)), np.zeros(len(scores), int)
    seen = match_bboxes(boxes, labels, scores, boxes, labels, num_classes=1)
    assert seen.true_positives == [len(scores)]
    hungarian = match_bboxes_hungarian(boxes, labels, boxes, labels, num_classes=1)
    assert (hungarian.true_positive_indexes == np.arange(len(scores))[:, None]).all()
    return seen.true_positive_indexes


for scores in ([0.9, 0.7, 0.5], [0.5, 0.9], [0.5, 0.9, 0.7]):
    print(f"scores {scores}: prediction, truth = {pairs(np.array(scores)).tolist()}")
assert pairs(np.array([0.9, 0.7, 0.5])).tolist() == [[0, 0], [1, 1], [2, 2]]
assert pairs(np.array([0.5, 0.9])).tolist() == [[0, 0], [1, 1]]
assert pairs(np.array([0.5, 0.9, 0.7])).tolist() == [[1, 0], [2, 1], [0, 2]]
random = np.random.default_rng(0)
apart = [np.sum(np.diff(pairs(random.permutation(20) / 20.0)) != 0) for _ in range(200)]
print(f"of 20 perfect boxes {np.mean(apart):.1f} are paired with another one")
assert 17.5 < np.mean(apart) < 18.5
print("seen: pairs of boxes that don't touch")
PYTHON
