"""What a model answers about one image, however it was asked."""

import dataclasses
import json
import re
from collections.abc import Mapping

import numpy as np

from ltpa_tf.images import DEFAULT, Preprocessing

_LEVEL = re.compile(r"level_(\d+)")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer about one image.

    Attributes:
        probabilities: float32 `[classes]`.
        classes: Indices of the top classes, the most probable first.
        names: Their names.
        maps: Level -> float32 `[h, w]`, its attention at native resolution; empty if
            maps weren't asked for. The key is the level's number, or the name of an
            estimator that isn't called `level_N`.
        image_maps: Level -> float32 `[H, W]`, at the resolution of the model's input.
        preprocessing: How a file became that, so where in the file the maps lie.
        evidence: Level -> float32 `[h, w]`, what each position gives to the logit of
            the top class; empty if maps weren't asked for, or the export has none. See
            `models.evidence_model`.
        evidence_bias: float32 `[1]` (`[levels]` of an independent head), with which it
            adds up to the logit.

    Example:
        >>> predictor = serving.Predictor.from_saved_model("saved_models/mine")
        >>> (answer,) = predictor.predict(np.zeros((1, 32, 32, 3), np.uint8))
        >>> answer.top()[0] == (answer.name, answer.probability)
        True
    """

    probabilities: np.ndarray
    classes: tuple[int, ...]
    names: tuple[str, ...]
    maps: dict[int | str, np.ndarray]
    image_maps: dict[int | str, np.ndarray]
    preprocessing: Preprocessing = DEFAULT
    evidence: dict[int | str, np.ndarray] = dataclasses.field(default_factory=dict)
    evidence_bias: np.ndarray | None = None

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
    names = [name for name in outputs if f"{name}_image" in outputs]
    keys = {_key(name): name for name in names}
    # Numbers first, each in ascending order.
    keys = dict(sorted(keys.items(), key=lambda one: (type(one[0]) is str, one[0])))
    own, enlarged = (
        {k: np.asarray(outputs[name + end], np.float32) for k, name in keys.items()}
        for end in ("", "_image")
    )
    evidence = {key: f"evidence_{key}" for key in keys if f"evidence_{key}" in outputs}
    evidence = {k: np.asarray(outputs[n], np.float32) for k, n in evidence.items()}
    bias = np.asarray(outputs.get("evidence_bias", ()), np.float32)
    chosen = DEFAULT
    if "preprocessing" in outputs:
        chosen = Preprocessing.of(json.loads(_text(outputs["preprocessing"][0])))
    probabilities = np.asarray(outputs["probabilities"], np.float32)
    return [
        Prediction(
            probabilities=probabilities[i],
            classes=tuple(int(index) for index in outputs["top_classes"][i]),
            names=tuple(_text(name) for name in outputs["top_names"][i]),
            maps={key: maps[i] for key, maps in own.items()},
            image_maps={key: maps[i] for key, maps in enlarged.items()},
            preprocessing=chosen,
            evidence={key: maps[i] for key, maps in evidence.items()},
            evidence_bias=bias[i] if len(bias) else None,
        )
        for i in range(len(probabilities))
    ]


def _key(name: str) -> int | str:
    match = _LEVEL.fullmatch(name)
    return int(match[1]) if match else name


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
