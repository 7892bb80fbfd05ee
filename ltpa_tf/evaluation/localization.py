"""How well a map lies on the object, where its box or mask is known.

All functions take maps at image resolution, `[B, H, W]`, larger where more important,
and boolean masks of the same shape; all give float64 `[B]`, each image's own value.
What is negative in a signed map speaks against the object: it is never counted as
lying on it.
"""

import numpy as np


def pointing(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The share of the highest pixels that lies in the mask: 1 or 0 if one is highest.

    The pointing game (Zhang et al. 2016, arXiv 1608.00507). Pixels equal to one part
    in a million are equally high: a flat map scores what a random pixel does, not what
    happens to lie in a corner.
    """
    top = maps.max((-2, -1), keepdims=True)
    highest = maps >= top - 1e-6 * np.abs(top)
    return (highest & masks).sum((-2, -1)) / highest.sum((-2, -1))


def energy(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The share of the positive sum that lies in the mask; 0 if nothing is positive.

    The energy-based pointing game (Wang et al., Score-CAM, arXiv 1910.01279), which is
    the relevance mass accuracy of Arras et al. (CLEVR-XAI, arXiv 2003.07258).
    """
    positive = np.maximum(np.asarray(maps, np.float64), 0)
    whole = positive.sum((-2, -1))
    inside = (positive * masks).sum((-2, -1))
    return np.divide(inside, whole, out=np.zeros_like(whole), where=whole > 0)


def top_k(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Of the k highest pixels, k the number in the mask, the share that lies in it.

    The relevance rank accuracy of Arras et al. (arXiv 2003.07258). Of pixels as high
    as the k-th each counts for its share.
    """
    flat, inside = _flat(maps), _flat(masks)
    found = np.zeros(len(flat))
    for i, (values, of_object) in enumerate(zip(flat, inside, strict=True)):
        k = int(of_object.sum())
        if not k:
            continue
        least = np.partition(values, -k)[-k]
        above, equal = values > least, values == least
        places = k - above.sum()
        found[i] = (above & of_object).sum()
        found[i] += places * (equal & of_object).sum() / equal.sum()
        found[i] /= k
    return found


def iou(chosen: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Intersection over union of the pixels that a threshold has chosen, and the mask.

    Args:
        chosen: Boolean `[B, H, W]`.
        masks: As above.
    """
    together = (chosen & masks).sum((-2, -1))
    return together / np.maximum((chosen | masks).sum((-2, -1)), 1)


def otsu(maps: np.ndarray) -> np.ndarray:
    """The pixels above Otsu's threshold (1979), boolean `[B, H, W]`; of no histogram.

    The threshold divides a map's pixels so that the variance between the two parts is
    largest, as the paper segments by its maps (section 5.4). A flat map has none above.
    """
    values = np.sort(_flat(maps).astype(np.float64), 1)
    count = values.shape[1]
    below = np.arange(1, count)
    sums = np.cumsum(values, 1)
    whole = sums[:, -1:]
    mean_below = sums[:, :-1] / below
    mean_above = (whole - sums[:, :-1]) / (count - below)
    between = below * (count - below) * (mean_above - mean_below) ** 2
    # A place between equal values divides nothing.
    between[values[:, 1:] == values[:, :-1]] = -1
    best = between.argmax(1)
    flat = values[:, 0] == values[:, -1]
    threshold = np.where(flat, values[:, -1], values[np.arange(len(values)), best])
    return maps > threshold[:, None, None]


def above(maps: np.ndarray, share: float) -> np.ndarray:
    """The pixels from a share of the way up from each map's lowest to its highest.

    Args:
        maps: As above.
        share: 0 to 1.

    Returns:
        Boolean `[B, H, W]`; of a flat map all.
    """
    lowest = maps.min((-2, -1), keepdims=True)
    return maps - lowest >= share * (maps.max((-2, -1), keepdims=True) - lowest)


def centre(count: int, size: tuple[int, int]) -> np.ndarray:
    """The map that always looks at the image's middle: the one to beat, `[B, H, W]`.

    1 in the middle, 0 in the corners, and straight lines between.
    """
    y, x = (np.abs(np.arange(n) - (n - 1) / 2) for n in size)
    distance = np.hypot(y[:, None], x[None, :])
    one = 1 - distance / max(distance.max(), 1)
    return np.broadcast_to(one.astype(np.float32), (count, *size))


def _flat(maps: np.ndarray) -> np.ndarray:
    return np.asarray(maps).reshape(len(maps), -1)
