"""Whether a level attends to the image's border, whatever the image."""

import numpy as np

from ltpa_tf.explain.maps import relative

# A mean map that is highest on the border, on a side with this many times its even
# share, is worth a word. At levels 4 and 7, trained on 5,000 CIFAR-10 images, with
# zeros (3 seeds) it is 1.04 to 1.81, in five of six cases with the highest place there;
# with reflection (4 seeds) at most 1.04, and never. Other data: docs/attention.md.
_STRONG = 1.25
# Of smaller maps nearly every position is on the border.
_SMALLEST = 5


class Border:
    """Sums up maps while a split goes by."""

    def __init__(self):
        self._sums: dict[str, np.ndarray] = {}

    def update(self, maps: dict[str, np.ndarray]) -> None:
        """Takes a batch: level name (`"level_7"`) -> `[B, h, w]`."""
        for level, batch in maps.items():
            found = relative(batch).sum(0, dtype=np.float64)
            self._sums[level] = self._sums.get(level, 0) + found

    def result(self) -> dict[str, dict]:
        """For each level of 5x5 positions or more, about its mean map.

        Returns:
            `side`, the most attended of the four sides (one row or column each);
            `share`, its attention as a multiple of its even share; `peak`, whether the
            mean map is highest on the border.
        """
        return {
            level: _strongest_side(total)
            for level, total in self._sums.items()
            if min(total.shape) >= _SMALLEST
        }


def _strongest_side(total: np.ndarray) -> dict:
    mean = relative(total)
    sides = {
        "top": mean[0],
        "bottom": mean[-1],
        "left": mean[:, 0],
        "right": mean[:, -1],
    }
    side = max(sides, key=lambda name: sides[name].mean())
    return {
        "side": side,
        "share": float(sides[side].mean()),
        "peak": bool(mean.max() > mean[1:-1, 1:-1].max()),
    }


def warnings(border: dict[str, dict]) -> list[str]:
    """A sentence for each level whose mean map is peaked on the border, and a way out.

    Args:
        border: As of `Border.result`.
    """
    return [
        f"{level} looks at the image's {found['side']} border, {found['share']:.1f} "
        "times its even share, whatever the image: its maps say little about objects; "
        "in a training with model.padding=reflect no zeros draw it there"
        for level, found in border.items()
        if found["peak"] and found["share"] >= _STRONG
    ]
