"""What a model says about an image, and where it looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.explain.posthoc import SOURCE, class_activation
from ltpa_tf.grid import Grid
from ltpa_tf.logits import log_probabilities

if TYPE_CHECKING:
    import keras

_BATCH = 32


@dataclass(frozen=True)
class Explanation:
    """One image, its prediction and its attention.

    Attributes:
        image: uint8 `[H, W, 3]`, as the model saw it.
        probabilities: float32 `[K]`.
        maps: Level name (`"level_7"`) to float32 `[h, w]`.
        label: The true class, or None if it isn't known.
        box: The object's (top, left, bottom, right) in pixels, bottom and right
            exclusive, or None if it isn't known.
        name: Says which image this is.
        grids: Where the cells of each map lie; a map without one fills the image.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> (found,) = explain.explain(model, np.zeros((1, 32, 32, 3), np.uint8))
        >>> found.probabilities.shape, sorted(found.maps)
        ((10,), ['level_10', 'level_13'])
    """

    image: np.ndarray
    probabilities: np.ndarray
    maps: dict[str, np.ndarray]
    label: int | None = None
    box: Sequence[int] | None = None
    name: str = ""
    grids: Mapping[str, Grid] = field(default_factory=dict)

    @property
    def predicted(self) -> int:
        """The most probable class."""
        return int(self.probabilities.argmax())


def explain(
    model: "keras.Model",
    images: np.ndarray,
    *,
    labels: Sequence[int] | None = None,
    boxes: np.ndarray | None = None,
    names: Sequence[str] | None = None,
) -> list[Explanation]:
    """Predicts images and keeps where the model looked.

    Args:
        model: A trained model with attention; or the row `vgg_gap`, whose only map is
            `"CAM"`, see `posthoc.class_activation`.
        images: uint8 `[N, H, W, 3]`.
        labels: N true classes.
        boxes: int `[N, 4]`, see `Explanation.box`.
        names: N texts.

    Returns:
        N explanations, in the images' order.

    Raises:
        SettingError: If the model has neither or gives numbers that are not finite, or
            there is no image.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> (found,) = explain.explain(model, np.zeros((1, 32, 32, 3), np.uint8))
        >>> {name: attention.shape for name, attention in found.maps.items()}
        {'level_10': (16, 16), 'level_13': (8, 8)}
    """
    if not len(images):
        raise SettingError("images", "none", "at least one")
    # Here, because drawing what a server answered needs no Keras.
    from ltpa_tf.models import attention_model, grids

    both = attention_model(model)
    places = grids(model, images.shape[1:3])
    outputs: dict[str, list] = {}
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        if len(both.outputs) > 1:
            answers = both(batch, training=False)
        else:
            answers = class_activation(model, batch)
        for name, values in answers.items():
            outputs.setdefault(name, []).extend(np.asarray(values))
    logits = np.array(outputs.pop("logits"))
    probabilities = np.exp(log_probabilities(logits))
    cells = {name: places[SOURCE.get(name, name)] for name in outputs}
    return [
        Explanation(
            image=images[i],
            probabilities=probabilities[i],
            maps={level: maps[i] for level, maps in outputs.items()},
            label=None if labels is None else int(labels[i]),
            box=None if boxes is None else tuple(map(int, boxes[i])),
            name="" if names is None else names[i],
            grids=cells,
        )
        for i in range(len(images))
    ]
