"""Agreement of methods: how alike two maps of an image are."""

import itertools
from collections.abc import Mapping

import numpy as np

from ltpa_tf.evaluation.intervals import interval
from ltpa_tf.evaluation.sanity import rank_correlation


def agreement(maps: Mapping[str, np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """Spearman's correlation of every two maps, over images.

    Args:
        maps: Name -> `[N, H, W]` of the same images.

    Returns:
        Name -> other name -> `[mean, low, high]`, see `intervals.interval`; both ways.
    """
    found = {name: {} for name in maps}
    for one, other in itertools.combinations(maps, 2):
        alike = interval(rank_correlation(maps[one], maps[other]))
        found[one][other] = found[other][one] = alike
    return found
