#!/usr/bin/env bash
# augmax's RandomSizedCrop(prevent_underzoom=True), its default, compares a zoom with the
# logarithm of a zoom, so it prevents nothing: a crop is taken from beyond the image, which
# lies on black.
#
# Why it matters: "whether to prevent zooming beyond the image size" is what keeps black
# margins out of the training. Here, by defaults and with crops as large as the image, as on
# CIFAR, every second image comes shrunk onto black, down to a quarter of the area.
#
# Versions: augmax 0.4.1, jax 0.10.2, einops 0.8.2.
# Expected: crops of a white image are white; prevent_underzoom=False alone shows black.
# Seen: half of the crops have black margins, up to 75% of a crop, with either value of
#   prevent_underzoom, and the very same crops.
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

keys = jax.random.split(jax.random.key(0), 1000)


def crops(size, **settings):
    """Crops of 32x32 from a white image."""
    cut = augmax.Chain(augmax.RandomSizedCrop(32, 32, **settings))
    white = jnp.ones((size, size, 3))
    return np.asarray(jax.vmap(lambda key: cut(key, white))(keys))


for size in (32, 40, 64):
    default = crops(size)
    black = (default[..., 0] < 0.01).mean(axis=(1, 2))
    share = (black > 0.03).mean()
    print(f"from {size}x{size}: {share:4.0%} with margins,", end=" ")
    print(f"up to {black.max():.0%} of the crop is black")
    unprotected = crops(size, prevent_underzoom=False)
    if size == 32:
        assert 0.4 < share < 0.6 and black.max() > 0.7
    if size < 64:
        assert share > 0.2
    else:
        assert share == 0
    np.testing.assert_allclose(unprotected, default, atol=1e-4)
assert (crops(32, zoom_range=(1.0, 2.0)) > 0.8).all()
print("seen: crops reach beyond the image, with and without prevent_underzoom")
PYTHON
