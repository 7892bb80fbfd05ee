#!/usr/bin/env bash
# torchattacks' Carlini-Wagner attack moves w where a pixel is (tanh(w) + 1) / 2. Of a pixel
# that is exactly 0 or 1 w is infinite and has no gradient: it's never changed. As the best
# other class it takes the largest of the logits with the true one set to 0, so where all
# logits are negative, as log-probabilities are, the loss is 0 and the attack stands still.
# Of all misclassified images it keeps the nearest, whatever confidence kappa asks for.
#
# Why it matters: each is reported as robustness. Most of an MNIST image is exactly 0, white
# paper is 1; a model that ends in log_softmax, or one whose logits have a constant taken off,
# has the same probabilities. Each resists an attack that its twin doesn't survive.
#
# Versions: torchattacks 3.5.1, torch 2.13.0, numpy 2.3.5, scipy 1.17.1.
# Expected: what PGD in L2 finds within a distance of 1, and the same for equal probabilities.
# Seen: accuracy under attack, of 200 images: grey 0%, with log_softmax or 100 off each logit
#   99%; black-and-white 100% and not one pixel changed, where PGD leaves 1%. With kappa=20
#   the narrowest margin of an image that fools the model is 0.0004.
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

torch.manual_seed(0)
weights = torch.randn(64, 10) / 2


class Linear(torch.nn.Module):
    """10 logits of images `[N, 1, 8, 8]`, as `last` hands them on."""

    def __init__(self, last):
        super().__init__()
        self.weights, self.last = torch.nn.Parameter(weights), last

    def forward(self, images):
        return self.last((images.flatten(1) - 0.5) @ self.weights)


models = {
    "logits": Linear(lambda logits: logits),
    "log_softmax": Linear(lambda logits: logits.log_softmax(-1)),
    "logits - 100": Linear(lambda logits: logits - 100),
}
photographs = {
    "grey": 0.25 + torch.rand(200, 1, 8, 8) / 2,
    "black and white": torch.rand(200, 1, 8, 8).round(),
}
for kind, images in photographs.items():
    labels = models["logits"](images).argmax(1)
    for name, model in models.items():
        accuracy, changed = {}, {}
        for attack in (
            torchattacks.CW(model, c=10, steps=100),
            torchattacks.PGDL2(model, eps=1, steps=20),
        ):
            found = attack(images, labels)
            accuracy[attack.attack] = float((model(found).argmax(1) == labels).float().mean())
            changed[attack.attack] = int((found != images).sum())
        print(f"{kind:15} {name:12} accuracy under attack {accuracy}, pixels changed {changed}")
        assert accuracy["PGDL2"] < 0.1
        if kind == "grey" and name == "logits":
            assert accuracy["CW"] == 0
        else:
            assert accuracy["CW"] > 0.9
        if kind == "black and white":
            assert changed["CW"] == 0

images, model = photographs["grey"], models["logits"]
labels = model(images).argmax(1)
for kappa in (0, 5, 20):
    logits = model(torchattacks.CW(model, c=10, kappa=kappa, steps=200)(images, labels))
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    margins = others - logits.gather(1, labels[:, None])[:, 0]
    print(f"kappa={kappa}: margins from {margins.min():.4f}, on average {margins.mean():.3f}")
    assert 0 < margins.min() < 0.1 and margins.mean() < 0.5
print("seen: CW leaves these images, and these models, alone")
PYTHON
