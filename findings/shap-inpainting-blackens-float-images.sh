#!/usr/bin/env bash
# shap's Image masker with "inpaint_telea" or "inpaint_ns" turns the image to bytes, also what
# isn't hidden. Images of 0 to 1 become black wherever anything is shown, and so does the
# whole image when nothing is hidden.
#
# Why it matters: most Keras and PyTorch models take images of 0 to 1. All of the explainer's
# questions but one show a black picture; that one, with everything hidden, is the mean
# colour. SHAP values are those of black against grey, whatever is in the image, and they
# add up to the answer for a picture that nobody gave. "blur(...)" and numbers are right.
#
# Versions: shap 0.51.0, opencv-python-headless 5.0.0.93, numpy 2.3.5.
# Expected: shown pixels as they are; shares that sum to the image's answer less that of the
#   hidden image.
# Seen: shown pixels are 0; of an image whose bright corner makes the answer 0.9, the values
#   sum to -0.34 instead of 0.56, and none favours the corner. The same image in 0 to 255 is
#   right to a level.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile shap==0.51.0 \
  opencv-python-headless==5.0.0.93 numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import shap

shape = (8, 8, 3)
image = np.random.default_rng(0).uniform(0.1, 0.2, shape).astype("float32")
image[:4, :4] = 0.9
shown = np.ones(shape, bool)
shown[:, 6:] = False


def answer(images):
    """The brightness of the upper left corner."""
    return np.asarray(images).reshape(-1, *shape)[:, :4, :4].mean((1, 2, 3))[:, None]


def kept(how, image):
    """Largest change of a shown pixel with the right quarter hidden, and with nothing."""
    masker = shap.maskers.Image(how, shape)
    some = np.asarray(masker(shown.ravel(), image.ravel().copy())).reshape(shape)
    every = np.asarray(masker(np.ones(192, bool), image.ravel().copy())).reshape(shape)
    return [float(np.abs(one - image)[shown].max()) for one in (some, every)]


for how in ("inpaint_telea", "inpaint_ns", "blur(3,3)"):
    found, levels = kept(how, image), kept(how, 255 * image)
    explainer = shap.Explainer(answer, shap.maskers.Image(how, shape))
    values = explainer(image[None], max_evals=200, batch_size=50).values[0, ..., 0]
    hidden = np.asarray(explainer.masker(np.zeros(192, bool), image.ravel().copy()))
    due = float((answer(image) - answer(hidden)).item())
    print(f"{how:13}: shown pixels change by {found[0]:.2f}, with nothing hidden", end=" ")
    print(f"{found[1]:.2f}; values sum to {values.sum():.2f} instead of {due:.2f}")
    assert max(levels) <= 1
    if how.startswith("inpaint"):
        assert min(found) == image.max()
        assert values.sum() < -0.2 < 0.5 < due and values.max() <= 0
    else:
        assert max(found) < 1e-6 and abs(values.sum() - due) < 1e-5
print("seen: what is shown of an image of 0 to 1 is black")
PYTHON
