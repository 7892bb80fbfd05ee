#!/usr/bin/env bash
# pytorch-toolbelt's d4_labels_deaugment averages the predictions for the eight views of an
# image, but takes the seventh twice and the sixth never: a typing slip, `b5, b7, b7, b8`.
# d4_image2label, the eightfold test-time augmentation of classifiers, goes through it.
#
# Why it matters: the view left out is a mirror image in no way worse than the others, and
# what is returned is no mean over the group: rotated or mirrored, the same image gets other
# probabilities, which is what one pays eight predictions to be rid of. Where the sixth view
# is the one that a model reads differently, the class is another.
#
# Versions: pytorch-toolbelt 0.8.0, torch 2.14.1, torchvision 0.29.1, numpy 2.3.5.
# Expected: the mean of the model's answers to the eight rotated and mirrored images.
# Seen: views 1 2 3 4 5 7 7 8; for an untrained model up to 0.0055 off that mean, and up to
#   0.0077 between an image and its quarter turn, for which the mean is the same to 1e-6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pytorch-toolbelt==0.8.0 \
  torch==2.14.1 torchvision==0.29.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from pytorch_toolbelt.inference import tta

views = tta.d4_labels_deaugment(torch.arange(1.0, 9)[:, None], reduction=None)
print("views averaged:", *(int(view) for view in views.flatten()))
assert views.flatten().tolist() == [1, 2, 3, 4, 5, 7, 7, 8]

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(5)
)
model.append(torch.nn.Softmax(dim=1))
images = torch.rand(64, 3, 12, 12)


def by_the_group(images):
    """The mean over all quarter turns of the images and of their transposes."""
    turned = [
        view.rot90(turns, dims=(2, 3))
        for view in (images, images.transpose(2, 3))
        for turns in range(4)
    ]
    return torch.stack([model(view) for view in turned]).mean(dim=0)


with torch.no_grad():
    seen = tta.d4_image2label(model, images)
    expected = by_the_group(images)
    print(f"off the mean by up to {(seen - expected).abs().max():.4f}")
    assert (seen - expected).abs().max() > 0.005
    quarter = images.rot90(1, dims=(2, 3))
    unlike = (tta.d4_image2label(model, quarter) - seen).abs().max()
    alike = (by_the_group(quarter) - expected).abs().max()
    print(f"a quarter turn changes it by up to {unlike:.4f}, the mean by {alike:.0e}")
    assert unlike > 0.005 and alike < 1e-6
    # A model that tells the sixth view, and it alone, from the others.
    corner = torch.zeros(1, 3, 12, 12)
    corner[..., 1, 0] = 1
    sixth = tta.d4_image_augment(corner)[5:6]
    told = tta.d4_image2label(lambda x: (x * sixth).sum(dim=(1, 2, 3))[:, None], corner)
    print(f"what the sixth view alone shows counts {float(told):.3f} instead of 1 / 8")
    assert told == 0
print("seen: the sixth of eight views is left out")
PYTHON
