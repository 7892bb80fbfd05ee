#!/usr/bin/env bash
# torchvision's to_dtype(scale=True), behind v2.ToDtype, multiplies a float image by the
# largest integer + 0.999 and truncates. As float32 65535.999 is 65536, one too many for
# uint16: white, 1.0, comes out as 0, black. In float16 and bfloat16 the same happens at 8
# bits: 255.999 is 256, and white is 0 of uint8.
#
# Why it matters: maps scaled to a maximum of 1 and written in 16 bits have a hole where the
# attention is largest, and only there. With mixed precision the images, maps or outputs of a
# model do at 8 bits, in the brightest spots, and a file that went through float16 comes back
# with its white pixels black. float32 to int32 is refused with an error for this very reason.
#
# Versions: torchvision 0.28.0 without its compiled operators, which aren't used here, torch
#   2.13.0, numpy 2.3.5, on an x86-64 CPU.
# Expected: 255 and 65535 for 1.0, as from float32 to uint8 and from float64 to uint16.
# Seen: 0 from float32 to uint16, from float16 and bfloat16 to uint8; of the 256 levels of
#   uint8 255 alone is lost in float16, to 0, the others are off by one at most.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 torchvision==0.28.0 numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch

# torchvision describes its compiled operators to torch, also where these can't be loaded.
torch.library.register_fake = lambda *_, **__: lambda function: function
from torchvision.transforms import v2  # noqa: E402

seen = {}
for source in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
    for target in (torch.uint8, torch.uint16):
        ramp = torch.tensor([0.0, 0.5, 0.984375, 1.0], dtype=source).reshape(1, 2, 2)
        values = v2.ToDtype(target, scale=True)(ramp).flatten().tolist()
        seen[source, target] = values[-1]
        print(f"{str(source)[6:]:8} to {str(target)[6:]:6} {values}")
        assert values[:3] == sorted(values[:3]) and values[2] > 250
assert seen[torch.float64, torch.uint8] == seen[torch.float32, torch.uint8] == 255
assert seen.pop((torch.float64, torch.uint16)) == 65535
assert all(white in (0, 255) for white in seen.values())
assert [white for white in seen.values()].count(0) == 5

levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
halves = v2.functional.to_dtype(levels, torch.float16, scale=True)
back = v2.functional.to_dtype(halves, torch.uint8, scale=True)
changes = (back.int() - levels.int()).flatten()
print(f"uint8 by float16 and back: 255 is {int(back.max())} at most,", end=" ")
print(f"white is {int(back[0, -1, -1])}, {int((changes != 0).sum())} levels differ")
assert int(back[0, -1, -1]) == 0 and changes[:-1].abs().max() == 1
try:
    v2.functional.to_dtype(halves.float(), torch.int32, scale=True)
except RuntimeError as error:
    print("float32 to int32:", error)
else:
    raise AssertionError("float32 to int32 is no longer refused")
print("seen: white is black")
PYTHON
