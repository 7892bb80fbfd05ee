#!/usr/bin/env bash
# torchattacks puts a model into evaluation mode to attack it and, if it was training, back by
# model.train(): for every layer. Batch normalisation, or dropout, that was held in evaluation
# mode is training from the first attack on.
#
# Why it matters: adversarial fine-tuning of a pretrained model freezes the statistics of its
# batch normalisation by eval() on those layers. After one batch they move, towards attacked
# images, and normalise by the batch; no output says so, and a run without the attack, that
# it's compared with, keeps them.
#
# Versions: torchattacks 3.5.1, torch 2.13.0, numpy 2.3.5, scipy 1.17.1.
# Expected: every layer in the mode in which it was, as the attack of an evaluating model does.
# Seen: after PGD, FGSM, CW and Square, the frozen layer is training; 10 steps later its
#   running mean, 0 before, is at 0.3 to 0.6 and an image's logits depend on its batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5 scipy==1.17.1 \
  requests==2.34.2 tqdm==4.70.1
"$folder/venv/bin/pip" install -qq --no-compile --no-deps torchattacks==3.5.1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
import torchattacks
from torch import nn

torch.manual_seed(0)
images, labels = torch.rand(16, 3, 8, 8), torch.randint(0, 4, (16,))


def fine_tuned(attack_of):
    """A model after 10 steps of training with its normalisation frozen, and that layer."""
    frozen = nn.BatchNorm2d(8)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), frozen, nn.ReLU(), nn.Flatten(), nn.Linear(288, 4)
    )
    model.train()
    frozen.eval()
    attack = attack_of(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(10):
        attacked = attack(images, labels)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(attacked), labels).backward()
        optimizer.step()
    return model, frozen


attacks = {
    "none": lambda model: lambda images, labels: images,
    "PGD": lambda model: torchattacks.PGD(model, steps=2),
    "FGSM": torchattacks.FGSM,
    "CW": lambda model: torchattacks.CW(model, steps=2),
    "Square": lambda model: torchattacks.Square(model, n_queries=5),
}
for name, attack_of in attacks.items():
    model, frozen = fine_tuned(attack_of)
    moved = float(frozen.running_mean.abs().max())
    with torch.no_grad():
        apart = float((model(images)[:4] - model(images[:4])).abs().max())
    print(f"{name:6} training {frozen.training}, running mean up to {moved:.2f},", end=" ")
    print(f"logits alone and in a batch differ by {apart:.2f}")
    if name == "none":
        assert not frozen.training and moved == 0 and apart < 1e-5
    else:
        assert frozen.training and moved > 0.1 and apart > 0.01
model.eval()
torchattacks.PGD(model, steps=1)(images, labels)
assert not any(layer.training for layer in model.modules())
print("seen: an attack thaws what was frozen")
PYTHON
