#!/usr/bin/env bash
# augmax's Rotate(angle_range, p) decides by the same random number whether to turn an image
# and by how much: with p=0.5 every turn is in one direction, with p=0.25 it is also one of
# the large ones.
#
# Why it matters: a range of -30 to 30 with p=0.5 is what one writes for "half of the images,
# turned a little". The model sees upright images and images turned one way by up to 30
# degrees, never the other way; the mean image is turned by 7 degrees.
#
# Versions: augmax 0.4.1, jax 0.10.2, einops 0.8.2.
# Expected: of the turned images half go left and half go right, for any p.
# Seen: with p=1 angles from -30 to 30, with p=0.75 from -15 to 30, with p=0.5 from 0 to 30,
#   with p=0.25 from 15 to 30 degrees; the share of turned images is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile augmax==0.4.1 jax==0.10.2 einops==0.8.2
export JAX_PLATFORMS=cpu
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import augmax
import jax
import jax.numpy as jnp
import numpy as np

image = jnp.zeros((65, 65, 3))
points = jnp.array([[32.0, 52.0]])  # 20 pixels to the right of the centre
types = [augmax.InputType.IMAGE, augmax.InputType.KEYPOINTS]
keys = jax.random.split(jax.random.key(0), 4000)


def angles(probability):
    """Angles in degrees at which the point is found, one a key."""
    turn = augmax.Chain(augmax.Rotate((-30, 30), p=probability), input_types=types)
    moved = jax.vmap(lambda key: turn(key, [image, points])[1][0])(keys)
    down, right = np.asarray(moved).T - 32
    return np.degrees(np.arctan2(down, right))


for probability, lowest in ((1.0, -30), (0.75, -15), (0.5, 0), (0.25, 15)):
    found = angles(probability)
    turned = found[np.abs(found) > 0.01]
    share = len(turned) / len(found)
    print(f"p={probability:4}: {share:4.0%} turned,", end=" ")
    print(f"by {turned.min():6.2f} to {turned.max():5.2f} degrees")
    assert abs(share - probability) < 0.03
    assert abs(turned.min() - lowest) < 0.5 and abs(turned.max() - 30) < 0.5
print("seen: with p=0.5 images are turned in one direction")
PYTHON
