"""What a model answers about one image, however it was asked."""

import dataclasses
import json
import re
from collections.abc import Mapping

import numpy as np

from ltpa_tf.images import DEFAULT, Preprocessing

COMPACT = ("_uint8", "_scale", "_top")
"""How the names of outputs end that hold maps in a compact form, see `compact`."""

CLASSES = ("probabilities", "top_classes", "top_names", "preprocessing")
"""The outputs that have nothing to do with maps."""

_LEVEL = re.compile(r"level_(\d+)")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer about one image.

    Attributes:
        probabilities: float32 `[classes]`.
        classes: Indices of the top classes, the most probable first.
        names: Their names.
        maps: Level -> float32 `[h, w]`, its attention at native resolution; empty if
            maps weren't asked for; in steps of 8 bits, if they were asked for so. The
            key is the level's number, or the name of an estimator that isn't called
            `level_N`.
        image_maps: Level -> float32 `[H, W]`, at the resolution of the model's input;
            empty of maps in a compact form.
        preprocessing: How a file became that, so where in the file the maps lie.
        evidence: Level -> float32 `[h, w]`, what each position gives to the logit of
            the top class; empty if maps weren't asked for, or the export has none. See
            `models.evidence_model`.
        evidence_bias: float32 `[1]` (`[levels]` of an independent head), with which it
            adds up to the logit.
        peaks: Level -> float32 `[positions, 3]`, the positions with the most attention,
            as row, column and attention; empty unless maps were asked for in this form
            alone, see `compact.compact`.

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
    peaks: dict[int | str, np.ndarray] = dataclasses.field(default_factory=dict)

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
    maps = _maps(outputs)
    own = _by_level(maps)
    enlarged, peaks = (
        _by_level(
            {
                name.removesuffix(end): values
                for name, values in outputs.items()
                if name.endswith(end) and name not in maps
            }
        )
        for end in ("_image", "_top")
    )
    evidence = _by_level(
        {
            name: outputs[given]
            for name in maps
            if (given := f"evidence_{name.removeprefix('level_')}") in outputs
        }
    )
    bias = np.asarray(outputs.get("evidence_bias", ()), np.float32)
    chosen = DEFAULT
    if "preprocessing" in outputs:
        text = _text(np.ravel(outputs["preprocessing"])[0])
        chosen = Preprocessing.of(json.loads(text))
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
            peaks={key: places[i] for key, places in peaks.items()},
        )
        for i in range(len(probabilities))
    ]


def _maps(outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Estimator -> its maps at native resolution, in whichever form."""
    found = {}
    for name, values in outputs.items():
        of = name.removesuffix("_uint8")
        if f"{of}_scale" in outputs and of != name:
            scale = np.asarray(outputs[f"{of}_scale"], np.float32)
            found[of] = np.asarray(values, np.float32) * scale[..., None]
        elif f"{name}_image" in outputs or not (
            name in CLASSES
            or name.startswith("evidence_")
            or name.endswith(("_image", "_grid", *COMPACT))
        ):
            found[name] = values
    return found


def _by_level(found: Mapping[str, np.ndarray]) -> dict[int | str, np.ndarray]:
    """Level -> float32, numbers first, each in ascending order."""
    keys = {
        _key(name): np.asarray(values, np.float32) for name, values in found.items()
    }
    return dict(sorted(keys.items(), key=lambda one: (type(one[0]) is str, one[0])))


def _key(name: str) -> int | str:
    match = _LEVEL.fullmatch(name)
    return int(match[1]) if match else name


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
