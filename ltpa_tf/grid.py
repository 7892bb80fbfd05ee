"""Where the cells of a map lie in the image: needs neither Keras nor TensorFlow."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Places the cells of a map in an image; all numbers are pixels, as (y, x).

    A place is that of a pixel's centre: 0 is the middle of the first pixel, 0.5 the
    border between the first two. `ltpa_tf.models.grids` finds the grid of every layer
    of a model.

    Attributes:
        offset: The centre of what the first cell sees, its receptive field; may lie
            outside of the image.
        stride: From the centre of one cell to that of the next.
        extent: Pixels from the first to the last that one cell sees, on the image and
            beyond its borders.
    """

    offset: tuple[float, float]
    stride: tuple[float, float]
    extent: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def filling(cls, cells: tuple[int, int], pixels: tuple[int, int]) -> "Grid":
        """The grid whose cells, side by side, fill the image exactly.

        That is how `tf.image.resize` places them, and right for unpadded pools of
        images that they divide evenly.

        Args:
            cells: `(h, w)` of the map.
            pixels: `(H, W)` of the image.
        """
        stride = tuple(n / k for n, k in zip(pixels, cells, strict=True))
        return cls(tuple((s - 1) / 2 for s in stride), stride, stride)

    def centres(self, cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The places of the cells' centres, `[h]` down and `[w]` across."""
        down, across = (
            offset + stride * np.arange(count)
            for offset, stride, count in zip(
                self.offset, self.stride, cells, strict=True
            )
        )
        return down, across

    def interpolation(
        self, cells: tuple[int, int], pixels: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights that bring a map to its image's resolution.

        Linear between the cells' centres; beyond the outermost of them a map keeps its
        value.

        Args:
            cells: `(h, w)` of the map.
            pixels: `(H, W)` of the image.

        Returns:
            float32 `rows` `[H, h]` and `columns` `[W, w]`: the map `m` at image
            resolution is `rows @ m @ columns.T`.
        """
        rows, columns = (
            np.stack([np.interp(np.arange(n), at, cell) for cell in np.eye(len(at))], 1)
            for n, at in zip(pixels, self.centres(cells), strict=True)
        )
        return rows.astype(np.float32), columns.astype(np.float32)
