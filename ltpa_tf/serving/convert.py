"""The same model for LiteRT (phones, small boards) and ONNX: raw images only.

A converted file is loaded by its own runtime and compared with Keras before it appears
under its name. It carries the class names, see `file_facts`.
"""

import contextlib
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.errors import ConversionError, SettingError
from ltpa_tf.files import written_aside
from ltpa_tf.layers import AttentionEstimator
from ltpa_tf.models.views import reapplied
from ltpa_tf.run import make_folder
from ltpa_tf.serving import file_facts
from ltpa_tf.serving.extras import need
from ltpa_tf.serving.signatures import Signatures

TOLERANCE = 1e-5
"""How far probabilities of a float32 file may be from Keras's, and maps of scores up to
10. Larger scores are rounded by more, in proportion, and a map inherits that."""

_OF_ONE = 0.01  # by which a map's sum may differ from 1, also in 8 bits
# What int8 leaves in float32: the map, the descriptors that it pools, and what brings
# the map to its shapes. In 8 bits the steps of a softmax are 1/256, whatever its range:
# of a map over 1,024 positions nothing is left.
_FLOAT_OPERATIONS = ("SOFTMAX", "LOGISTIC", "BATCH_MATMUL")
_FLOAT_OPERATIONS += ("RESHAPE", "STRIDED_SLICE", "RESIZE_BILINEAR")

QUANTIZATIONS = ("none", "float16", "int8")

Arrays = dict[str, np.ndarray]
Ask = Callable[[np.ndarray], Arrays]


def to_litert(
    signatures: Signatures,
    file: str | os.PathLike,
    images: np.ndarray,
    quantize: str = "none",
) -> tuple[Ask, float]:
    """Writes a LiteRT file with the signatures `serving_default` and `attention_maps`.

    Both take uint8 `images` `[batch, H, W, 3]` and give `probabilities`; the second
    gives the maps too.

    Args:
        signatures: Of the model.
        file: Where to; must not exist.
        images: uint8 `[n, H, W, 3]`, to compare on and to find int8's ranges with.
        quantize: `"none"` for float32, `"float16"` for weights of half the size,
            `"int8"` for weights and most arithmetic in 8 bits; maps and the pooling by
            them stay in float32.

    Returns:
        A function that asks the file (its `attention_maps`, or `serving_default` of a
        model without attention), and the largest difference from Keras.

    Raises:
        SettingError: If the file exists or can't be written, or the extra is missing.
        ConversionError: If the float32 file differs by more than `TOLERANCE`, or a
            map's sum in any file is no longer 1.
    """
    runtime = need("ai_edge_litert.interpreter", "litert")
    functions = _functions(signatures)
    with _aside(file) as aside, tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(signatures.network)
        for name, function in functions.items():
            archive.add_endpoint(name, function, input_signature=[_spec(signatures)])
        with _quiet():
            archive.write_out(folder, verbose=False)
            converter = tf.lite.TFLiteConverter.from_saved_model(
                folder, signature_keys=list(functions)
            )
            if quantize != "none":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if quantize == "float16":
                converter.target_spec.supported_types = [tf.float16]
            elif quantize == "int8":
                converter.representative_dataset = lambda: (
                    (name, {"images": image[None]})
                    for name in functions
                    for image in images
                )
            if quantize == "int8":
                aside.write_bytes(_without_maps(converter))
            else:
                aside.write_bytes(converter.convert())
        file_facts.into_litert(aside, _facts(signatures))
        interpreter = runtime.Interpreter(model_content=aside.read_bytes())
        tolerance = TOLERANCE if quantize == "none" else np.inf
        score = _largest_score(signatures, images)
        for name, function in functions.items():
            runner = interpreter.get_signature_runner(name)

            def ask(batch, runner=runner):
                return runner(images=batch)

            difference = _compare(function, ask, images, tolerance, score)
    return ask, difference


def to_onnx(
    signatures: Signatures, file: str | os.PathLike, images: np.ndarray
) -> tuple[Ask, float]:
    """Writes an ONNX file: uint8 `images` in, `probabilities` and maps out.

    One graph serves as both signatures: a runtime computes only the outputs asked for.

    Args:
        signatures: Of the model.
        file: Where to; must not exist.
        images: uint8 `[n, H, W, 3]` to compare on.

    Returns:
        As `to_litert`.

    Raises:
        SettingError: If the file exists or can't be written, or the extra is missing.
        ConversionError: If the file differs by more than `TOLERANCE`.
    """
    tf2onnx, runtime = need("tf2onnx", "onnx"), need("onnxruntime", "onnx")
    *_, function = _functions(signatures).values()
    with _aside(file) as aside:
        graph = tf.function(
            function, input_signature=[_spec(signatures)], autograph=False
        )
        with _quiet(), _statistics_as_arrays(signatures.network):
            tf2onnx.convert.from_function(
                graph,
                [_spec(signatures)],
                opset=18,
                output_path=str(aside),
                custom_op_handlers={"Erfc": (_erfc, [])},
            )
        file_facts.into_onnx(aside, _facts(signatures))
        session = runtime.InferenceSession(
            aside.read_bytes(), providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]

        def ask(batch):
            return dict(zip(names, session.run(names, {"images": batch}), strict=True))

        score = _largest_score(signatures, images)
        difference = _compare(function, ask, images, TOLERANCE, score)
    return ask, difference


def _without_maps(converter) -> bytes:
    """The quantized model, but for `_FLOAT_OPERATIONS`."""
    options = tf.lite.experimental.QuantizationDebugOptions(
        denylisted_ops=list(_FLOAT_OPERATIONS)
    )
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_options=options, debug_dataset=lambda: iter(())
    )
    return debugger.get_nondebug_quantized_model()


def _facts(signatures: Signatures) -> dict[str, str]:
    return file_facts.facts(
        signatures.class_names, signatures.image_shape, signatures.preprocessing
    )


def _functions(signatures: Signatures) -> dict[str, Callable]:
    """The signatures without what the other runtimes lack: strings and assertions."""

    def outputs(images):
        return signatures.network(tf.cast(images, tf.float32), training=False)

    def serving_default(images):
        return {"probabilities": tf.nn.softmax(outputs(images)["logits"])}

    def attention_maps(images):
        found = outputs(images)
        probabilities = {"probabilities": tf.nn.softmax(found["logits"])}
        return probabilities | signatures.maps(found)

    if not signatures.attention:
        return {"serving_default": serving_default}
    return {"serving_default": serving_default, "attention_maps": attention_maps}


def _spec(signatures: Signatures) -> tf.TensorSpec:
    return tf.TensorSpec((None, *signatures.image_shape), tf.uint8, name="images")


def _largest_score(signatures: Signatures, images: np.ndarray) -> float:
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


def _compare(
    function: Callable, ask: Ask, images: np.ndarray, tolerance: float, score: float
) -> float:
    """The largest difference of any output, for one image and for a batch."""
    largest = 0.0
    of_maps = tolerance * max(1.0, score / 10)
    for batch in (images[:1], images):
        expected, found = function(tf.constant(batch)), ask(batch)
        if set(expected) != set(found):
            raise ConversionError(f"outputs {sorted(found)}, not {sorted(expected)}")
        for name, value in expected.items():
            _check_sums(name, value.numpy(), found[name])
            difference = float(np.abs(found[name] - value.numpy()).max())
            allowed = tolerance if name == "probabilities" else of_maps
            if not difference <= allowed:  # a NaN isn't
                raise ConversionError(f"{name} differs from Keras by {difference}")
            largest = max(largest, difference)
    return largest


def _check_sums(name: str, expected: np.ndarray, found: np.ndarray) -> None:
    """What sums to 1 for each image, maps and probabilities, still does."""
    sums, wanted = (a.reshape(len(a), -1).sum(1) for a in (found, expected))
    if np.allclose(wanted, 1, atol=1e-3) and not np.allclose(sums, 1, atol=_OF_ONE):
        raise ConversionError(
            f"{name} of an image sums to {sums.min():.3f} to {sums.max():.3f} in the "
            "converted file, and not to 1: it is not written"
        )


@contextlib.contextmanager
def _aside(file: str | os.PathLike) -> Iterator[Path]:
    """A path beside `file`, renamed to it when all went well."""
    file = Path(file)
    make_folder(file.parent, "--export_dir")
    if file.exists():
        raise SettingError(str(file), "a file that exists", "the name of a new one")
    with written_aside(file) as aside:
        yield aside


def _erfc(graph, node, name, arguments) -> None:
    """`1 - erf(x)`, of an exact GELU: ONNX has the latter alone."""
    node.type = "Erf"
    negative = graph.insert_new_node_on_output("Neg", node.output[0])
    one = graph.make_const(f"{name}_one", np.array(1, np.float32))
    graph.insert_new_node_on_output(
        "Add", negative.output[0], inputs=[negative.output[0], one.output[0]]
    )


@contextlib.contextmanager
def _statistics_as_arrays(network: keras.Model) -> Iterator[None]:
    """With arrays for the tensors of Keras's `Normalization`, as of some backbones.

    tf2onnx takes a tensor that a graph has captured for one more input of the model.
    """
    layers = network._flatten_layers()
    found = [x for x in layers if isinstance(x, keras.layers.Normalization)]
    tensors = [(layer.mean, layer.variance) for layer in found]
    for layer in found:
        layer.mean, layer.variance = np.array(layer.mean), np.array(layer.variance)
    try:
        yield
    finally:
        for layer, (mean, variance) in zip(found, tensors, strict=True):
            layer.mean, layer.variance = mean, variance


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the converters say while they work."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
