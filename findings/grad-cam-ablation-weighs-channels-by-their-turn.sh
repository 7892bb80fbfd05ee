#!/usr/bin/env bash
# pytorch-grad-cam's AblationCAM sets a channel that it ablates to 10,000,000 below the least
# activation, and takes that least one over the whole batch of copies, those ablated before
# included: the second channel of a batch goes to -20,000,000, the 32nd to -320,000,000.
#
# Why it matters: this is done for all layers whose least activation isn't 0, as after SiLU,
# GELU or a normalisation: EfficientNet, ConvNeXt, vision transformers. The weight of a
# channel there grows with its place in the batch. The map is another one for each
# `batch_size` and for each order of the channels, which means nothing to the model.
#
# Versions: grad-cam 1.5.7, torch 2.14.1, torchvision 0.29.1, numpy 2.3.5, scipy 1.17.1.
# Expected: (y - y_k) / y with the channel set to 0 (Desai and Ramaswamy 2020, equation 3),
#   as after ReLU; in any case one map, whatever the batch size.
# Seen: after SiLU the weights for batches of 8 are those for batches of 1 times 1, 2, ... 8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile grad-cam==1.5.7 torch==2.14.1 \
  torchvision==0.29.1 numpy==2.3.5 scipy==1.17.1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import torch
from pytorch_grad_cam import AblationCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

CHANNELS, CLASS = 8, 1


class Weights(AblationCAM):
    """AblationCAM that keeps the weights of the channels."""

    def get_cam_weights(self, *args):
        """What AblationCAM multiplies the channels by."""
        self.weights = super().get_cam_weights(*args)
        return self.weights


def explained(activation, batch_size):
    """Weights and map by the package, and the weights by setting each channel to 0."""
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, CHANNELS, 3), activation())
    head = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(CHANNELS, 3)
    )
    model = torch.nn.Sequential(layer, head).eval()
    image = torch.rand(1, 3, 16, 16)
    cam = Weights(model, [layer], batch_size=batch_size)
    shown = cam(image, [ClassifierOutputTarget(CLASS)])[0]
    with torch.no_grad():
        features = layer(image)
        score = head(features)[0, CLASS]
        ablated = features.repeat(CHANNELS, 1, 1, 1)
        ablated[range(CHANNELS), range(CHANNELS)] = 0
        expected = (score - head(ablated)[:, CLASS]) / score
    return cam.weights[0], shown, expected.numpy()


for activation in (torch.nn.ReLU, torch.nn.SiLU):
    one, map_of_one, expected = explained(activation, batch_size=1)
    eight, map_of_eight, _ = explained(activation, batch_size=8)
    off = np.abs(map_of_one - map_of_eight).max()
    times = eight / one
    print(f"{activation.__name__}: weights of batches of 8 by those of 1 {times.round(2)}")
    print(f"  maps differ by up to {off:.2f}")
    print(f"  by setting to 0 {expected.round(2)}")
    if activation is torch.nn.ReLU:
        assert np.allclose(one, expected, atol=1e-3) and np.allclose(eight, expected, atol=1e-3)
    else:
        assert np.allclose(times, np.arange(1, CHANNELS + 1), rtol=0.02) and off > 0.2
        assert np.corrcoef(one, expected)[0, 1] < 0.9
print("seen: the weight of a channel grows with its place in the batch")
PYTHON
