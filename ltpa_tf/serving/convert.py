"""What LiteRT and ONNX files have in common: how they are compared before they appear.

A converted file is loaded by its own runtime and compared with Keras before it appears
under its name. It takes raw images and carries the class names, see `file_facts`.
"""

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.errors import ConversionError, SettingError
from ltpa_tf.files import make_folder, written_aside
from ltpa_tf.layers import AttentionEstimator
from ltpa_tf.models.views import reapplied
from ltpa_tf.serving import file_facts
from ltpa_tf.serving.signatures import Signatures

TOLERANCE = 1e-5
"""How far probabilities of a float32 file may be from Keras's, and maps of scores up to
10. Larger scores are rounded by more, in proportion; maps and evidence inherit that."""

_OF_ONE = 0.01  # by which a map's sum may differ from 1, also in 8 bits

Arrays = dict[str, np.ndarray]
Ask = Callable[[np.ndarray], Arrays]


def facts_of(signatures: Signatures) -> dict[str, str]:
    """What the files say of themselves."""
    return file_facts.facts(
        signatures.class_names, signatures.image_shape, signatures.preprocessing
    )


def images_spec(signatures: Signatures) -> tf.TensorSpec:
    """The specification of the files' one input."""
    return tf.TensorSpec((None, *signatures.image_shape), tf.uint8, name="images")


def largest_score(signatures: Signatures, images: np.ndarray) -> float:
    """The largest size of any level's compatibility scores."""
    scores = []

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if isinstance(layer, AttentionEstimator):
            scores.append(outputs[1])
        return outputs

    again = reapplied(signatures.network, call)
    if not scores:
        return 0.0
    found = keras.Model(again.input, scores)(images.astype(np.float32), training=False)
    return max(float(np.abs(level).max()) for level in found)


def compare(
    function: Callable, ask: Ask, images: np.ndarray, tolerance: float, score: float
) -> float:
    """The largest difference of any output, for one image and for a batch.

    Of evidence, which is in logits, as a part of its largest value, if that is above 1.
    """
    largest = 0.0
    of_maps = tolerance * max(1.0, score / 10)
    for batch in (images[:1], images):
        expected, found = function(tf.constant(batch)), ask(batch)
        if set(expected) != set(found):
            raise ConversionError(f"outputs {sorted(found)}, not {sorted(expected)}")
        expected = {name: value.numpy() for name, value in expected.items()}
        alike = _check_classes(expected, found, tolerance)
        for name, value in expected.items():
            if value.dtype == object or name == "top_classes":
                continue
            if value.dtype == np.uint8:
                _check_steps(name, value, found[name])
                continue
            other, of, scale = found[name], slice(None), 1.0
            if name.startswith("evidence_"):  # in logits, which may be large
                of, scale = alike, max(1.0, float(np.abs(value).max()))
            elif name.endswith("_top"):  # places may change theirs where they are alike
                value, other = value[..., 2], other[..., 2]
            _check_sums(name, value[of], other[of])
            difference = float(np.abs(other - value)[of].max(initial=0)) / scale
            # Evidence is a map times what each position says.
            accepted = tolerance if name == "probabilities" else of_maps
            if not difference <= accepted:  # a NaN isn't
                raise ConversionError(f"{name} differs from Keras by {difference}")
            largest = max(largest, difference)
    return largest


def _check_classes(
    expected: Arrays, found: Arrays, tolerance: float
) -> np.ndarray | slice:
    """Whether top classes and texts are the same; for which images the first one is.

    Of two classes that are as probable, one is as good as the other, but evidence is of
    one of them.
    """
    alike = slice(None)
    if "top_classes" in expected:
        best, chosen = (
            np.take_along_axis(expected["probabilities"], one["top_classes"], 1)
            for one in (expected, found)
        )
        if not np.allclose(best, chosen, rtol=0, atol=2 * tolerance):
            raise ConversionError("top_classes differ from Keras's")
        alike = expected["top_classes"] == found["top_classes"]
    for name, values in expected.items():
        if values.dtype == object:
            texts = np.vectorize(bytes.decode, otypes=[object])(values)
            of = alike if name == "top_names" else slice(None)
            if not np.array_equal(texts[of], found[name][of]):
                raise ConversionError(f"{name} differ from Keras's")
    return alike[:, 0] if "top_classes" in expected else alike


def _check_steps(name: str, expected: np.ndarray, found: np.ndarray) -> None:
    """Whether maps in 8 bits differ by one step at most, as by rounding they may."""
    steps = np.abs(found.astype(int) - expected).max()
    if steps > 1:
        raise ConversionError(f"{name} differs from Keras by {steps} of 255")


def _check_sums(name: str, expected: np.ndarray, found: np.ndarray) -> None:
    """What sums to 1 for each image, maps and probabilities, still does."""
    sums, wanted = (a.sum(tuple(range(1, a.ndim))) for a in (found, expected))
    if np.allclose(wanted, 1, atol=1e-3) and not np.allclose(sums, 1, atol=_OF_ONE):
        raise ConversionError(
            f"{name} of an image sums to {sums.min():.3f} to {sums.max():.3f} in the "
            "converted file, and not to 1: it is not written"
        )


@contextlib.contextmanager
def file_aside(file: str | os.PathLike) -> Iterator[Path]:
    """A path beside `file`, renamed to it when all went well."""
    file = Path(file)
    make_folder(file.parent, "--export_dir")
    if file.exists():
        raise SettingError(str(file), "a file that exists", "the name of a new one")
    with written_aside(file) as aside:
        yield aside


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what the converters say while they work."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
