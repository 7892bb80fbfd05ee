#!/usr/bin/env bash
# tf-keras-vis's Grad-CAM++ is NaN everywhere for a class whose logit is above 88.
#
# Why it matters: the map fails for the images that the model is surest of. The formula's
# exp(logit) overflows in float32, though it cancels: alpha is a ratio of derivatives that
# all carry it. Models without weight decay or with a large logit scale get there.
#
# Versions: tf-keras-vis 0.8.7, keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: the same map whatever is added to all logits; a bias has no gradient.
# Seen: bias 0: 72 finite values; bias 100: 72 of 72 NaN; Gradcam is the same with both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  tf-keras-vis==0.8.7 keras==3.15.1 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 PYTHONWARNINGS=ignore
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

keras.utils.set_random_seed(0)
inputs = keras.Input((8, 8, 3))
x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
x = keras.layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))
images = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")


def maps(method, bias):
    layer = model.get_layer("logits")
    layer.bias.assign(np.full(3, bias, "float32"))
    return np.asarray(method(model)(
        lambda outputs: outputs[:, 0], images, penultimate_layer="conv",
        expand_cam=False, normalize_cam=False))


for method in (Gradcam, GradcamPlusPlus):
    small, large = maps(method, 0.0), maps(method, 100.0)
    print(f"{method.__name__}: NaN of {small.size}: {np.isnan(small).sum()} with bias 0,",
          f"{np.isnan(large).sum()} with bias 100")
    assert np.isfinite(small).all()
    if method is Gradcam:
        assert np.allclose(small, large)
    else:
        assert np.isnan(large).all()
print("seen: Grad-CAM++ of a class with a large logit is NaN everywhere")
PYTHON
