"""Whether a map names what a prediction rests on: measured by taking that away.

Every measure asks the model about images in which pixels, or all but some, are
replaced. What they are replaced by decides much: two fills and ROAD's imputation are
measured side by side, and next to a random order.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage, sparse, stats
from scipy.sparse import linalg

Predict = Callable[[np.ndarray], np.ndarray]
"""Float32 pixel values `[B, H, W, C]` to probabilities `[B, K]`."""

SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Of the pixels, that ROAD removes."""

_NOISE = 0.01 * 255  # of ROAD's imputation


def deletion(
    predict: Predict,
    images: np.ndarray,
    classes: np.ndarray,
    maps: np.ndarray,
    steps: int = 16,
) -> np.ndarray:
    """The area under the class's probability while its pixels go, highest first.

    Petsiuk et al. (RISE, arXiv 1806.07421). A pixel that goes becomes its image's mean
    colour. Smaller is better.

    Args:
        predict: The model.
        images: `[B, H, W, C]`, values 0 to 255.
        classes: Integers `[B]`, those that the maps explain.
        maps: `[B, H, W]`. Equal pixels go in random order, the same in every call.
        steps: Equal parts that go one after another.

    Returns:
        `[B]`, 0 to 1.
    """
    images = np.asarray(images, np.float32)
    mean = np.broadcast_to(images.mean((1, 2), keepdims=True), images.shape)
    return _area(predict, images, mean, classes, maps, steps)


def insertion(
    predict: Predict,
    images: np.ndarray,
    classes: np.ndarray,
    maps: np.ndarray,
    steps: int = 16,
) -> np.ndarray:
    """The area under the class's probability while its pixels come, highest first.

    As `deletion`, from the image blurred by a Gaussian of an eighth of its shorter
    side. Larger is better.
    """
    images = np.asarray(images, np.float32)
    sigma = min(images.shape[1:3]) / 8
    blurred = ndimage.gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")
    return _area(predict, blurred, images, classes, maps, steps)


def road(
    predict: Predict,
    images: np.ndarray,
    classes: np.ndarray,
    maps: np.ndarray,
    *,
    highest_first: bool,
    shares: Sequence[float] = SHARES,
) -> np.ndarray:
    """The class's probability without shares of the pixels, which neighbours fill in.

    Remove and debias (Rong et al., arXiv 2202.00449): what is removed becomes the
    weighted mean of its eight neighbours, all at once, and a little noise, so that the
    shape of what is gone tells the model nothing.

    Args:
        predict: As for `deletion`.
        images: As for `deletion`.
        classes: As for `deletion`.
        maps: As for `deletion`.
        highest_first: Whether the most important pixels go (MoRF, smaller is better),
            or the least important ones (LeRF, larger is better).
        shares: Of the pixels, each below 1.

    Returns:
        `[B]`: the mean over the shares.
    """
    images = np.asarray(images, np.float32)
    ranks = _ranks(maps if highest_first else -np.asarray(maps))
    rng = np.random.default_rng(0)
    neighbours = _neighbours(*images.shape[1:3])
    found = np.zeros(len(images))
    for share in shares:
        gone = ranks < share * ranks[0].size
        filled = np.stack(
            [
                _filled(one, where, neighbours, rng)
                for one, where in zip(images, gone, strict=True)
            ]
        )
        found += _of_class(predict(filled), classes)
    return found / len(shares)


def mu_fidelity(
    predict: Predict,
    images: np.ndarray,
    classes: np.ndarray,
    maps: np.ndarray,
    *,
    cells: int = 8,
    share: float = 0.2,
    samples: int = 64,
) -> np.ndarray:
    """How well a map's sums foretell what random parts are worth: a rank correlation.

    Bhatt et al. (arXiv 2005.00631). Random sets of cells become the image's mean
    colour; the fall of the class's probability is compared with the map's sum there.

    Args:
        predict: As for `deletion`.
        images: As for `deletion`.
        classes: As for `deletion`.
        maps: As for `deletion`.
        cells: The image is divided into so many, down and across.
        share: Of the cells, in a set.
        samples: Sets for each image.

    Returns:
        `[B]`, -1 to 1; 0 where either side never changes.
    """
    images, maps = np.asarray(images, np.float32), np.asarray(maps, np.float64)
    height, width = maps.shape[1:]
    rng = np.random.default_rng(0)
    rows, columns = (np.arange(n) * cells // n for n in (height, width))
    size = max(1, round(share * cells**2))
    chosen = rng.random((samples, cells**2)).argsort(1) < size
    sets = chosen.reshape(samples, cells, cells)[:, rows][:, :, columns]
    whole = _of_class(predict(images), classes)
    mean = images.mean((1, 2), keepdims=True)
    found = np.zeros(len(images))
    for i, image in enumerate(images):
        without = np.where(sets[..., None], mean[i], image)
        falls = whole[i] - predict(without.astype(np.float32))[:, classes[i]]
        sums = np.tensordot(sets, maps[i], 2)
        if np.ptp(sums) > 0 and np.ptp(falls) > 0:
            found[i] = stats.spearmanr(sums, falls).statistic
    return found


def _area(predict, images, others, classes, maps, steps):
    """Under the curve of the probability while `images` become `others`."""
    ranks = _ranks(maps)
    probabilities = []
    for step in range(steps + 1):
        replaced = (ranks < step * ranks[0].size / steps)[..., None]
        batch = np.where(replaced, others, images).astype(np.float32)
        probabilities.append(_of_class(predict(batch), classes))
    curve = np.stack(probabilities)
    return (curve[1:] + curve[:-1]).mean(0) / 2


def _ranks(maps: np.ndarray) -> np.ndarray:
    """Each pixel's place, 0 the highest; equal ones in random order, `[B, H, W]`."""
    flat = np.asarray(maps).reshape(len(maps), -1)
    shuffled = np.random.default_rng(0).permutation(flat.shape[1])
    order = shuffled[np.argsort(-flat[:, shuffled], 1, kind="stable")]
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1])[None], 1)
    return ranks.reshape(maps.shape)


@functools.lru_cache(maxsize=1)
def _neighbours(height: int, width: int) -> sparse.csr_matrix:
    """`[HW, HW]`, each pixel's weighted neighbours less itself; each row sums to 0."""
    number = np.arange(height * width).reshape(height, width)
    weights = sparse.lil_matrix((height * width, height * width))
    for down, across, weight in (
        (0, 1, 1 / 6),
        (1, 0, 1 / 6),
        (1, 1, 1 / 12),
        (1, -1, 1 / 12),
    ):
        left, right = max(0, -across), width - max(0, across)
        one = number[: height - down, left:right].ravel()
        other = number[down:, left + across : right + across].ravel()
        weights[one, other] = weights[other, one] = weight
    weights = weights.tocsr()
    return weights - sparse.diags(np.asarray(weights.sum(1)).ravel())


def _filled(
    image: np.ndarray,
    gone: np.ndarray,
    neighbours: sparse.csr_matrix,
    rng: np.random.Generator,
) -> np.ndarray:
    """ROAD's noisy linear imputation of the pixels that are `gone`."""
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    missing = np.flatnonzero(gone)
    if not len(missing):
        return image
    known = np.flatnonzero(~gone.ravel())
    rows = neighbours[missing]
    solution = linalg.spsolve(
        rows[:, missing].tocsc(), -(rows[:, known] @ pixels[known])
    )
    solution = solution.reshape(len(missing), -1)
    pixels[missing] = solution + rng.normal(0, _NOISE, solution.shape)
    return pixels.reshape(image.shape).astype(np.float32)


def _of_class(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return probabilities[np.arange(len(classes)), classes].astype(np.float64)
