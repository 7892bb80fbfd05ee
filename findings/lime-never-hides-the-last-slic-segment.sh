#!/usr/bin/env bash
# LIME for images counts segments from 0; scikit-image's SLIC numbers them from 1 since its
# version 0.19. Together, segment 0 doesn't exist and the last one, at the lower right, is
# never hidden: its importance is 0, or not told, whatever is in it.
#
# Why it matters: SegmentationAlgorithm("slic", ...) is LIME's own wrapper and the usual
# choice beside quickshift. An object in the last segment doesn't show, its weight goes to
# other segments, and the fit's R2 still is close to 1.
#
# Versions: lime 0.2.0.1, scikit-image 0.26.0.
# Expected: the only segment that a classifier looks at has by far the largest weight.
# Seen: it has none, as 16 segments are named 0 to 15; with start_label=0 it has 0.5, the
#   change of the probability.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile lime==0.2.0.1 scikit-image==0.26.0
cd "$folder"
MPLBACKEND=agg PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from lime.lime_image import LimeImageExplainer
from lime.wrappers.scikit_image import SegmentationAlgorithm

random = np.random.default_rng(0)
image = random.random((32, 32, 3)) * 0.2
image += np.kron(random.permutation(16).reshape(4, 4) / 20, np.ones((8, 8)))[..., None]


def classifier(images):
    """Sees the lower right corner alone: 0.9 as it is, 0.4 where it is hidden."""
    off = np.abs(images[:, 27:, 27:] - image[27:, 27:]).mean((1, 2, 3))
    probability = np.where(off < 0.1, 0.9, 0.4)
    return np.stack([probability, 1 - probability], axis=1)


def weights(**settings):
    """The four largest weights, and the segment in which the object is."""
    slic = SegmentationAlgorithm(
        "slic", n_segments=16, compactness=1000, sigma=0, **settings
    )
    explainer = LimeImageExplainer(random_state=0)
    explanation = explainer.explain_instance(
        image, classifier, hide_color=0, num_samples=400, segmentation_fn=slic
    )
    found = {int(k): round(float(v), 2) for k, v in explanation.local_exp[0]}
    return found, int(slic(image)[28, 28])


for settings in ({}, {"start_label": 0}):
    found, segment = weights(**settings)
    print(f"{settings}: object in segment {segment}, of {len(found)} named", end=" ")
    print(f"{min(found)} to {max(found)}; its weight: {found.get(segment)}")
    if settings:
        assert found[segment] > 0.4 and max(found.values()) == found[segment]
    else:
        assert segment == 16 and segment not in found and len(found) == 16
        assert max(np.abs(list(found.values()))) < 0.1
print("seen: the last segment of SLIC is never hidden")
PYTHON
