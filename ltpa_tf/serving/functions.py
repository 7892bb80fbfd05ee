"""Functions of a model, in the form of a SavedModel."""

import os
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from ltpa_tf.serving.grouped import groups_as_operators


def save_functions(
    network: keras.Model,
    functions: Mapping[str, tuple[Callable, tf.TensorSpec]],
    folder: str | os.PathLike,
) -> None:
    """Writes a SavedModel with these signatures.

    Each function is traced once. As attributes of what is saved, or by Keras's
    `ExportArchive`, they would be twice, and both traces would be written and loaded:
    while TensorFlow saves, it takes none that was made before.

    Args:
        network: The model whose variables the functions use.
        functions: Signature name -> a function that gives tensors by name, and the
            specification of its one input.
        folder: Is made or overwritten.
    """
    module = tf.Module()
    module.kept = [variable.value for variable in network.variables]
    with groups_as_operators(network):
        traced = {
            name: tf.function(
                function, input_signature=[spec], autograph=False
            ).get_concrete_function()
            for name, (function, spec) in functions.items()
        }
    tf.saved_model.save(module, str(folder), signatures=traced)
