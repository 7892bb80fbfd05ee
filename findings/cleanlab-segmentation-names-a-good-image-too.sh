#!/usr/bin/env bash
# cleanlab's segmentation.rank.issues_from_scores returns the images below the threshold and
# the next one: of a data set without a single bad image it names one, of 0.95 for instance.
#
# Why it matters: what it returns is looked at, labelled again or left out of the training.
# The number of issues is one too high in every data set, never 0, and a threshold of 0
# names an image as well; a loop that cleans until nothing is left never ends.
#
# Versions: cleanlab 2.9.0, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: "integer indices of the images whose label quality score falls below the
#   threshold", as the same function for boxes returns them.
# Seen: [1] for scores of 0.99, 0.95 and 0.97 and a threshold of 0.1; [2, 0] where image 2
#   alone is below it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile cleanlab==2.9.0 scikit-learn==1.9.1 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from cleanlab.object_detection.rank import issues_from_scores as issues_of_boxes
from cleanlab.segmentation.rank import get_label_quality_scores, issues_from_scores


def named(scores, threshold):
    """Images named for masks, for boxes, and those below the threshold."""
    scores = np.array(scores)
    below = [int(i) for i in np.argsort(scores) if scores[i] < threshold]
    masks, boxes = (
        issues(scores, threshold=threshold).tolist()
        for issues in (issues_from_scores, issues_of_boxes)
    )
    print(f"{scores} below {threshold}: masks {masks}, boxes {boxes}, by hand {below}")
    assert boxes == below
    return masks, below


assert named([0.99, 0.95, 0.97], 0.1) == ([1], [])
assert named([0.6, 0.95, 0.05], 0.1) == ([2, 0], [2])
assert named([0.99, 0.95, 0.97], 0.0) == ([1], [])

# From predictions, of which every pixel agrees with its label.
labels = np.random.default_rng(0).integers(0, 3, (4, 8, 8))
sure = 0.02 + 0.94 * (labels[:, None] == np.arange(3)[:, None, None])
scores, pixels = get_label_quality_scores(labels, sure, verbose=False)
issues = issues_from_scores(scores, threshold=0.5)
print(f"perfect labels: scores {scores.round(2)}, images named {issues.tolist()}")
print(f"pixels named: {issues_from_scores(scores, pixels, threshold=0.5).sum()}")
assert scores.min() > 0.9 and len(issues) == 1
assert not issues_from_scores(scores, pixels, threshold=0.5).any()
print("seen: an image above the threshold is named as well")
PYTHON
