"""Export to LiteRT, for phones and small boards."""

import os
import tempfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.serving import convert, file_facts
from ltpa_tf.serving.extras import need
from ltpa_tf.serving.functions import save_functions
from ltpa_tf.serving.signatures import Signatures

# What int8 leaves in float32: the map, the descriptors that it pools, and what brings
# the map to its shapes. In 8 bits the steps of a softmax are 1/256, whatever its range:
# of a map over 1,024 positions nothing is left.
_FLOAT_OPERATIONS = ("SOFTMAX", "LOGISTIC", "BATCH_MATMUL")
_FLOAT_OPERATIONS += ("RESHAPE", "STRIDED_SLICE", "RESIZE_BILINEAR")


def to_litert(
    signatures: Signatures,
    file: str | os.PathLike,
    images: np.ndarray,
    quantize: str = "none",
) -> tuple[convert.Ask, float]:
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
        ConversionError: If the float32 file differs by more than `convert.TOLERANCE`,
            or a map's sum in any file is no longer 1.
    """
    runtime = need("ai_edge_litert.interpreter", "litert")
    functions = _functions(signatures)
    with convert.file_aside(file) as aside, tempfile.TemporaryDirectory() as folder:
        spec = convert.images_spec(signatures)
        with convert.quiet():
            save_functions(
                signatures.network,
                {name: (function, spec) for name, function in functions.items()},
                folder,
            )
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
        file_facts.into_litert(aside, convert.facts_of(signatures))
        interpreter = runtime.Interpreter(model_content=aside.read_bytes())
        tolerance = convert.TOLERANCE if quantize == "none" else np.inf
        score = convert.largest_score(signatures, images)
        for name, function in functions.items():
            runner = interpreter.get_signature_runner(name)

            def ask(batch, runner=runner):
                return runner(images=batch)

            difference = convert.compare(function, ask, images, tolerance, score)
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
