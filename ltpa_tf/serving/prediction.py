"""What a model answers about one image, however it was asked."""

import dataclasses
import json
import re
from collections.abc import Mapping

import numpy as np

from ltpa_tf.images import DEFAULT, Preprocessing

_LEVEL = re.compile(r"level_(\d+)(_image)?")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer about one image.

    Attributes:
        probabilities: float32 `[classes]`.
        classes: Indices of the top classes, the most probable first.
        names: Their names.
        maps: Level -> float32 `[h, w]`, its attention at native resolution; empty if
            maps weren't asked for.
        image_maps: Level -> float32 `[H, W]`, at the resolution of the model's input.
        preprocessing: How a file became that, so where in the file the maps lie.
    """

    probabilities: np.ndarray
    classes: tuple[int, ...]
    names: tuple[str, ...]
    maps: dict[int, np.ndarray]
    image_maps: dict[int, np.ndarray]
    preprocessing: Preprocessing = DEFAULT

    @property
    def name(self) -> str:
        """Name of the most probable class."""
        return self.names[0]

    @property
    def probability(self) -> float:
        """Probability of the most probable class."""
        return float(self.probabilities[self.classes[0]])

    def top(self) -> list[tuple[str, float]]:
        """`(name, probability)` of the top classes, the most probable first."""
        return [
            (name, float(self.probabilities[index]))
            for name, index in zip(self.names, self.classes, strict=True)
        ]


def from_outputs(outputs: Mapping[str, np.ndarray]) -> list[Prediction]:
    """One `Prediction` per image from a signature's outputs.

    Args:
        outputs: Output name -> array or nested lists with the batch as dimension 0;
            names may be bytes or text.
    """
    maps: dict[bool, dict[int, np.ndarray]] = {False: {}, True: {}}
    for key, value in outputs.items():
        if match := _LEVEL.fullmatch(key):
            maps[bool(match[2])][int(match[1])] = np.asarray(value, np.float32)
    chosen = DEFAULT
    if "preprocessing" in outputs:
        chosen = Preprocessing.of(json.loads(_text(outputs["preprocessing"][0])))
    probabilities = np.asarray(outputs["probabilities"], np.float32)
    return [
        Prediction(
            probabilities=probabilities[i],
            classes=tuple(int(index) for index in outputs["top_classes"][i]),
            names=tuple(_text(name) for name in outputs["top_names"][i]),
            maps={level: maps[False][level][i] for level in sorted(maps[False])},
            image_maps={level: maps[True][level][i] for level in sorted(maps[True])},
            preprocessing=chosen,
        )
        for i in range(len(probabilities))
    ]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
