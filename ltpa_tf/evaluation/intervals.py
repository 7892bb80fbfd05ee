"""Bootstrap confidence intervals of means."""

import numpy as np

_AT_ONCE = 2**14  # values drawn: as many as a processor's nearest memory holds


def interval(values: np.ndarray, resamples: int = 1000) -> list[float]:
    """Mean and 95% interval, by bootstrap: images drawn again with replacement.

    Args:
        values: `[N]`, an image's own value each.
        resamples: How many means of N drawn values.

    Returns:
        `[mean, low, high]`, ready for JSON. The same values give the same interval.
    """
    values = np.asarray(values, np.float64)
    size = len(values)
    rng = np.random.default_rng(0)
    rows = max(1, _AT_ONCE // size)
    means = [
        values[rng.integers(0, size, (min(rows, resamples - done), size))].mean(1)
        for done in range(0, resamples, rows)
    ]
    means = np.concatenate(means)
    low, high = np.percentile(means, (2.5, 97.5))
    return [float(values.mean()), float(low), float(high)]
