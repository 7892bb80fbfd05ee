#!/usr/bin/env bash
# PAIR's saliency draws signed maps by VisualizeImageDiverging from -1 to 1, but 0 becomes
# 0.5, positive values end at the 99th percentile, and negative ones go on to three times
# it. If most is negative, the scale comes from the values next to zero.
#
# Why it matters: the picture is meant for a diverging colour map. Evidence against a class
# looks up to three times stronger than equal evidence for it, what has no effect is
# coloured, and a map and its negative aren't pictures of each other.
#
# Versions: saliency 0.2.1, numpy 2.3.5, scikit-image 0.26.0.
# Expected: 0 stays 0; the picture of -map is minus the picture of map.
# Seen: of 3, 0 and -3 in a map of small values the picture shows 1, 0.5 and -1; seen from
#   zero the negative one is three times as strong. In a map of negative values alone, most
#   are at the end of the scale.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile saliency==0.2.1 numpy==2.3.5 \
  scikit-image==0.26.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import saliency.core as saliency

values = np.random.default_rng(0).normal(0, 0.3, (32, 32, 1))
values[:3, 0, 0] = 3, 0, -3
picture = saliency.VisualizeImageDiverging(values)
strong, none, against = picture[:3, 0]
print("3, 0 and -3 are shown as", strong, none, against)
assert (strong, none, against) == (1, 0.5, -1)
assert np.isclose((none - against) / (strong - none), 3)

opposite = saliency.VisualizeImageDiverging(-values)
difference = np.abs(opposite + picture).max()
print("largest difference of picture(-map) from -picture(map):", difference.round(2))
assert difference > 0.9

negative = -np.abs(values)
share = (saliency.VisualizeImageDiverging(negative) == -1).mean()
mirror = (saliency.VisualizeImageDiverging(-negative) == 1).mean()
print(f"at the end of the scale: {share:.0%} of a negative map, {mirror:.0%} of -map")
assert share > 0.8 and mirror < 0.02
print("seen: the picture favours one sign")
PYTHON
