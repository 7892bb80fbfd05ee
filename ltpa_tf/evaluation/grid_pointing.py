"""The grid pointing game: several images side by side, and which one a map shows.

Rao et al., "Towards Better Understanding Attribution Methods" (CVPR 2022), after Böhle
et al. Images of different classes that the model is sure of are laid out as a grid. A
map that explains the class of one of them should lie on that one. This needs no boxes:
where the evidence for each class lies is so by construction.
"""

from collections.abc import Callable

import keras
import numpy as np

from ltpa_tf.evaluation.localization import energy
from ltpa_tf.explain.methods import Method, compute


def grid_pointing(
    model: keras.Model,
    make: Callable[[keras.Model, tuple[int, int]], Method],
    mosaics: np.ndarray,
    classes: np.ndarray,
    batch_size: int = 16,
) -> dict[str, np.ndarray]:
    """The share of a map's positive sum that lies on the image that it explains.

    Args:
        model: Functional, of any image size (`models.of_any_size`).
        make: Makes the method for the model and the size of the mosaics.
        mosaics: uint8 `[M, n H, n W, C]`, see `mosaics_of`.
        classes: Integers `[M, n, n]`.
        batch_size: Mosaics at a time.

    Returns:
        Name of a map -> float64 `[M * n * n]`; chance is 1 in n * n. A map without
        anything positive counts as 0.
    """
    count, n, _ = classes.shape
    method = make(model, mosaics.shape[1:3])
    height, width = (side // n for side in mosaics.shape[1:3])
    cells = np.kron(
        np.eye(n * n, dtype=bool).reshape(n * n, n, n), np.ones((height, width), bool)
    )
    found = compute(
        model,
        np.repeat(mosaics, n * n, 0),
        method,
        classes.ravel(),
        batch_size=batch_size,
    )
    masks = np.tile(cells, (count, 1, 1))
    return {name: energy(maps, masks) for name, maps in found.items()}


def mosaics_of(
    images: np.ndarray,
    classes: np.ndarray,
    sureness: np.ndarray,
    n: int,
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Grids of n x n images, all of different classes.

    Args:
        images: uint8 `[N, H, W, C]`, all rightly classified.
        classes: Integers `[N]`.
        sureness: `[N]`, the probabilities of the classes; the surest are taken first.
        n: Images down, and across.
        count: Grids wanted; there may be fewer, where images or classes run out.

    Returns:
        Mosaics uint8 `[M, n H, n W, C]` and the classes in them `[M, n, n]`.
    """
    left = list(np.argsort(-sureness, kind="stable"))
    rng = np.random.default_rng(0)
    chosen = []
    while len(chosen) < count:
        one: dict[int, int] = {}
        for index in left:
            one.setdefault(int(classes[index]), index)
            if len(one) == n * n:
                break
        else:
            break
        indices = np.array(list(one.values()))
        left = [index for index in left if index not in set(indices.tolist())]
        chosen.append(rng.permutation(indices))
    if not chosen:
        height, width, channels = images.shape[1:]
        nothing = np.zeros((0, n * height, n * width, channels), np.uint8)
        return nothing, np.zeros((0, n, n), np.int64)
    where = np.stack(chosen).reshape(-1, n, n)
    # [M, n, n, H, W, C] -> [M, n, H, n, W, C]
    tiles = images[where].transpose(0, 1, 3, 2, 4, 5)
    count, _, height, _, width, channels = tiles.shape
    return tiles.reshape(count, n * height, n * width, channels), classes[where]
