"""Export to ONNX, with all that the SavedModel answers."""

import contextlib
import os
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.serving import convert, file_facts
from ltpa_tf.serving.extras import need
from ltpa_tf.serving.grouped import groups_as_operators
from ltpa_tf.serving.signatures import Signatures


def to_onnx(
    signatures: Signatures, file: str | os.PathLike, images: np.ndarray
) -> tuple[convert.Ask, float]:
    """Writes an ONNX file: uint8 `images` in, what `attention_maps` answers out.

    One graph serves as both signatures: a runtime computes only the outputs asked for.
    `preprocessing` is an output too, where it isn't the default: who has a file to ask
    about learns there how it becomes an image.

    Args:
        signatures: Of the model.
        file: Where to; must not exist.
        images: uint8 `[n, H, W, 3]` to compare on.

    Returns:
        As `to_litert`.

    Raises:
        SettingError: If the file exists or can't be written, or the extra is missing.
        ConversionError: If the file differs by more than `convert.TOLERANCE`.
    """
    tf2onnx, runtime = need("tf2onnx", "onnx"), need("onnxruntime", "onnx")
    spec = convert.images_spec(signatures)

    def answers(images):
        found = signatures.network(tf.cast(images, tf.float32), training=False)
        answer = signatures.answers(found) | signatures.told_preprocessing(images)
        for form in signatures.compact:
            answer |= signatures.compact_maps(form, found)
        return answer

    with convert.file_aside(file) as aside:
        graph = tf.function(answers, input_signature=[spec], autograph=False)
        with (
            convert.quiet(),
            _statistics_as_arrays(signatures.network),
            groups_as_operators(signatures.network),
        ):
            tf2onnx.convert.from_function(
                graph,
                [spec],
                opset=18,
                output_path=str(aside),
                custom_op_handlers={"Erfc": (_erfc, [])},
            )
        file_facts.into_onnx(aside, convert.facts_of(signatures))
        session = runtime.InferenceSession(
            aside.read_bytes(), providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]

        def ask(batch):
            return dict(zip(names, session.run(names, {"images": batch}), strict=True))

        score = convert.largest_score(signatures, images)
        difference = convert.compare(answers, ask, images, convert.TOLERANCE, score)
    return ask, difference


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
