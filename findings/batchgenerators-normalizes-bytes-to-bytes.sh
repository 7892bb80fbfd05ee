#!/usr/bin/env bash
# batchgenerators' normalizations to mean and deviation write into an array of the input's
# dtype. uint8 images come back as uint8: fractions are cut off, negative values wrap around.
#
# Why it matters: images are uint8 as they are read, and ZeroMeanUnitVarianceTransform and
# MeanStdNormalizationTransform are the step that makes them floats everywhere else. What
# comes out has three values, 0, 1 and 255, and the darkest pixels are the brightest ones.
# Nothing is said.
#
# Versions: batchgenerators 0.25.5, numpy 2.3.5 on x86-64, scipy 1.17.1.
# Expected: the same for uint8 and for the same image as float32: mean 0, deviation 1.
# Seen: float32 as expected; of uint8 three values, mean 55 and deviation 105. The darkest
#   fifth of the pixels is 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  numpy==2.3.5 scipy==1.17.1 scikit-image==0.26.0 scikit-learn==1.9.1 pandas==2.3.3
"$folder/venv/bin/pip" install -qq --no-compile --no-deps batchgenerators==0.25.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from batchgenerators.transforms.sample_normalization_transforms import (
    MeanStdNormalizationTransform,
    ZeroMeanUnitVarianceTransform,
)

random = np.random.default_rng(0)
images = random.integers(0, 256, (4, 3, 32, 32)).astype("uint8")
transforms = {
    "ZeroMeanUnitVariance": ZeroMeanUnitVarianceTransform(),
    "MeanStdNormalization": MeanStdNormalizationTransform([127.5] * 3, [73.9] * 3),
}
for name, transform in transforms.items():
    for dtype in ("float32", "uint8"):
        seen = transform(data=images.astype(dtype))["data"]
        values = np.unique(seen)
        print(f"{name} of {dtype}: {seen.dtype}, {len(values)} values,", end=" ")
        print(f"mean {seen.mean():.2f}, deviation {seen.std():.2f}")
        if dtype == "float32":
            assert abs(seen.mean()) < 0.05 and abs(seen.std() - 1) < 0.05
        else:
            assert seen.dtype == np.uint8 and values.tolist() == [0, 1, 255]
            assert (seen[images < 40] == 255).all() and (seen[images > 65] < 255).all()
print("seen: the darkest pixels become 255")
PYTHON
