#!/usr/bin/env bash
# pytorch-toolbelt's CrossEntropyFocalLoss(reduced_threshold=...) has the two branches of the
# reduced focal loss the wrong way round: what the model is sure and right about keeps the
# weight 1, and what it is wrong about is weighted up.
#
# Why it matters: a focal loss is there to let go of the easy samples. With this option the
# loss of samples that are right isn't reduced at all, while those that are badly wrong,
# label noise above all, weigh up to 1 / threshold^2, four times, as much. BinaryFocalLoss of
# the same module has the branches right.
#
# Versions: pytorch-toolbelt 0.8.0, torch 2.14.1, torchvision 0.29.1, numpy 2.3.5.
# Expected: weight 1 where the probability of the truth p is below the threshold, else
#   ((1 - p) / (1 - threshold))^gamma (Sergievskiy and Ponamarev 2019, equation 2).
# Seen: weight 1 for p of 0.9 instead of 0.04, and 3.24 for p of 0.1 instead of 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pytorch-toolbelt==0.8.0 \
  torch==2.14.1 torchvision==0.29.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from pytorch_toolbelt.losses import BinaryFocalLoss, CrossEntropyFocalLoss

THRESHOLD, GAMMA = 0.5, 2


def weights(loss, logits, truth):
    """By how much the loss of each sample is multiplied: against gamma=0."""
    plain = loss(gamma=0, reduction="none")(logits, truth)
    reduced = loss(gamma=GAMMA, reduced_threshold=THRESHOLD, reduction="none")
    return reduced(logits, truth) / plain


probabilities = torch.tensor([0.9, 0.8, 0.6, 0.4, 0.2, 0.1])
half = torch.logit(probabilities) / 2
# The softmax of these two logits is the probability; so is the sigmoid of twice the first.
softmax = weights(
    CrossEntropyFocalLoss, torch.stack([half, -half], dim=1), torch.zeros(6, dtype=torch.long)
)
sigmoid = weights(BinaryFocalLoss, 2 * half, torch.ones(6))
for p, seen, binary in zip(probabilities.tolist(), softmax.tolist(), sigmoid.tolist()):
    expected = 1 if p < THRESHOLD else ((1 - p) / (1 - THRESHOLD)) ** GAMMA
    inverted = 1 if p > THRESHOLD else ((1 - p) / THRESHOLD) ** GAMMA
    print(f"p = {p:.1f}: weight {seen:.2f}, expected {expected:.2f}, binary {binary:.2f}")
    assert abs(binary - expected) < 1e-4
    assert abs(seen - inverted) < 1e-4
print("seen: easy samples keep their weight, hard ones get more")
PYTHON
