#!/usr/bin/env bash
# tf-keras-vis's Score-CAM puts a softmax over what the model answers. A model that ends in a
# softmax, as its examples have it, then gets one over probabilities, which can't differ by
# more than a factor of e: every channel of the layer has between 37% and 100% of the largest
# weight.
#
# Why it matters: the map is close to the plain mean of all channels. It shows what is in the
# image, not what speaks for the class, and the same for every class.
#
# Versions: tf-keras-vis 0.8.7, keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: where channels see one colour each, the map of the first class shows the first
#   colour; the paper (arXiv 1910.01279) weighs channels by the class's score.
# Seen: the other colour has 38% of it; with logits from the same model 0.5%.
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
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

keras.config.disable_interactive_logging()
colours = 3
inputs = keras.Input((28, 28, colours))
conv = keras.layers.Conv2D(colours, 4, strides=4, use_bias=False, name="conv")
x = keras.layers.GlobalAveragePooling2D()(conv(inputs))
dense = keras.layers.Dense(colours, use_bias=False)
logits = dense(x)
probabilities = keras.layers.Softmax()(logits)
kernel = np.zeros((4, 4, colours, colours), "float32")
kernel[:, :] = np.eye(colours) / 16  # channel k is the mean of colour k
conv.set_weights([kernel])
dense.set_weights([np.eye(colours, dtype="float32") * 400])
image = np.zeros((1, 28, 28, colours), "float32")
for colour, (row, column) in enumerate([(4, 4), (20, 20), (20, 4)]):
    image[0, row : row + 4, column : column + 4, colour] = 1


def others_share(outputs):
    """The map of class 0 at the second colour's place, as a share of the first's."""
    method = Scorecam(keras.Model(inputs, outputs))
    values = method(
        CategoricalScore([0]),
        image,
        penultimate_layer="conv",
        expand_cam=False,
        normalize_cam=False,
    )[0]
    values = np.asarray(values)
    return round(float(values[5, 5] / values[1, 1]), 3)


of_probabilities, of_logits = others_share(probabilities), others_share(logits)
print("another class's object, model with softmax:", of_probabilities)
print("another class's object, model with logits: ", of_logits)
assert of_probabilities > 0.36 and of_logits < 0.01
print("seen: a softmax over probabilities makes all channels count alike")
PYTHON
