"""Bootstrap confidence intervals of means."""

import numpy as np


def interval(values: np.ndarray, resamples: int = 1000) -> list[float]:
    """Mean and 95% interval, by bootstrap: images drawn again with replacement.

    Args:
        values: `[N]`, an image's own value each.
        resamples: How many means of N drawn values.

    Returns:
        `[mean, low, high]`, ready for JSON. The same values give the same interval.
    """
    values = np.asarray(values, np.float64)
    rng = np.random.default_rng(0)
    means = [
        values[rng.integers(0, len(values), len(values))].mean()
        for _ in range(resamples)
    ]
    low, high = np.percentile(means, (2.5, 97.5))
    return [float(values.mean()), float(low), float(high)]
