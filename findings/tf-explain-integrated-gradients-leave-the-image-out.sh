#!/usr/bin/env bash
# tf-explain's IntegratedGradients averages the gradients on the way from black to the image
# and stops there: the product with the image, which makes them attributions, is missing.
#
# Why it matters: the paper's completeness (attributions add up to the change of the answer)
# and its "no attribution without a difference" are lost. Black pixels of the image light up
# as much as those that made the answer; xplique, captum and saliency give them 0.
#
# Versions: tf-explain 0.3.1, keras 3.15.1, tensorflow-cpu 2.21.0, opencv 5.0.0.93.
# Expected: for a linear model, weight times pixel: the left half of the image, which is
#   black, has 0, and the sum is the answer.
# Seen: the weights. The black half has half of the attribution, and the sum is the same for
#   an image and for one of five times its brightness, whose answer is five times as large.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 tensorflow-cpu==2.21.0 opencv-python-headless==5.0.0.93
"$folder/venv/bin/pip" install -qq --no-compile --no-deps tf-explain==0.3.1
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
from tf_explain.core.integrated_gradients import IntegratedGradients

inputs = keras.Input((16, 16, 3))
flat = keras.layers.Flatten()(inputs)
model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(flat))
weights = np.random.default_rng(0).uniform(0.5, 1, (768, 2)).astype("float32")
model.layers[-1].set_weights([weights])

image = np.full((16, 16, 3), 0.2, "float32")
image[:, :8] = 0
images = np.stack([image, 5 * image])
path = IntegratedGradients.generate_interpolations(images, 50)
values = IntegratedGradients.get_integrated_gradients(path, model, 0, 50).numpy()
answers = model(images).numpy()[:, 0]
totals = values.sum(axis=(1, 2, 3))
black = values[:, :, :8].sum(axis=(1, 2, 3)) / totals
for name, answer, total, share in zip(("dark", "bright"), answers, totals, black):
    print(f"{name:6} answer {answer:6.1f}, attributions {total:6.1f},", end=" ")
    print(f"{share:.0%} of them to black pixels")
true = values * images
assert np.allclose(true.sum(axis=(1, 2, 3)), answers, rtol=1e-4)
assert np.allclose(values[0], values[1]) and np.allclose(answers[1], 5 * answers[0])
assert (abs(black - 0.5) < 0.05).all()

grid = IntegratedGradients().explain((images[:1], None), model, 0, n_steps=50)
lit = [float((half > 0).mean()) for half in (grid[:, :8], grid[:, 8:])]
print(f"explain(): {lit[0]:.0%} of the black half is lit, {lit[1]:.0%} of the other")
assert abs(lit[0] - lit[1]) < 0.2 and min(lit) > 0.3
print("seen: integrated gradients without the image")
PYTHON
