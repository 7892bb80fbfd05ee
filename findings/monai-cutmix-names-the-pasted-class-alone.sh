#!/usr/bin/env bash
# MONAI's CutMix, called with images and one-hot labels as in its docstring, pastes a part of
# another image and replaces the whole label by the other's, however small the part is.
#
# Why it matters: most of a picture is its own, since what reaches beyond the border is cut
# off, and it is trained to be another class. Cross-entropy takes the labels without an
# error; a pasted corner decides. MixUp refuses such labels with an error. CutMix of label
# maps, which are cut with their images, is right, and so is apply_on_labels, a method that
# the call doesn't use.
#
# Versions: monai 1.6.1, torch 2.13.0, numpy 2.3.5.
# Expected: labels with the shares of the pixels.
# Seen: in 7,000 images of 16x16 and 10 classes, of which four fifths are an image's own
#   pixels, its own class has a weight of 0 whenever the partner is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile monai==1.6.1 torch==2.13.0 numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from monai.transforms import CutMix, MixUp

labels = torch.eye(10)[:8]
# Each image has its class's number everywhere, so that the pixels show where they come from.
images = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 1, 16, 16).clone()
place = torch.arange(8)
own_labels, own_pixels, shares = [], [], []
transform = CutMix(8, alpha=1.0)
transform.set_random_state(seed=0)
for _ in range(1000):
    pictures, told = transform(images, labels)
    of_class = pictures[:, None] == torch.arange(10).reshape(1, 10, 1, 1, 1)
    counted = of_class.float().mean((2, 3, 4))
    assert torch.allclose(counted.sum(1), torch.ones(8))
    assert told.unique().tolist() == [0, 1] and (told.sum(1) == 1).all()
    other = told.argmax(1) != place
    shares.append(other.float().mean())
    own_labels.append(told[place, place][other])
    own_pixels.append(counted[place, place][other])
weights, pixels = torch.cat(own_labels), torch.cat(own_pixels)
print(f"{len(weights):,} of 8,000 images have another partner; of their pixels", end=" ")
print(f"{pixels.mean():.2f} are their own, of their labels {weights.mean():.2f}")
print(f"at least nine tenths are their own in {(pixels > 0.9).float().mean():.0%} of them")
assert not weights.any() and len(weights) > 6500
assert 0.6 < pixels.mean() < 0.9 and (pixels > 0.9).float().mean() > 0.25

by_method = transform.apply_on_labels(labels)
assert torch.allclose(by_method.sum(1), torch.ones(8)) and by_method[place, place].any()
try:
    MixUp(8, alpha=1.0)(images, labels)
except ValueError as error:
    print("MixUp refuses:", error)
else:
    raise AssertionError("MixUp takes one-hot labels")
maps, cut = CutMix(8, alpha=1.0)(images, images.clone())
assert torch.equal(maps, cut)
print("seen: all of the label is the pasted image's")
PYTHON
