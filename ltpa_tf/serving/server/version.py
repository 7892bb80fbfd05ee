"""One loaded version, run as TensorFlow Serving runs it: by a session of its graph."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from ltpa_tf.quiet import deprecation_expected
from ltpa_tf.serving import warmup
from ltpa_tf.serving.sentences import sentence
from ltpa_tf.serving.server.batches import Batches
from ltpa_tf.serving.server.request_error import RequestError

# As many batches are computed at once as there are cores (`Batches`). Then to share out
# an operation, or to hand it to another thread, costs more than it gains: with a small
# model a tenth of all that the server does. (A process has one pool of threads for the
# former: if it has used TensorFlow before, that one stays.)
_A_CORE = tf.compat.v1.ConfigProto(
    intra_op_parallelism_threads=1, inter_op_parallelism_threads=-1
)
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Version:
    """A version that is loaded and has answered its warm-up requests.

    Args:
        number: The version.
        folder: Where it is.
        max_batch: The most rows of one request.

    Attributes:
        number: The version.
        definitions: Signature name -> its `SignatureDef`.

    Raises:
        Exception: Of many kinds, if it doesn't load.
    """

    def __init__(self, number: int, folder: Path, max_batch: int):
        self.number = number
        self._max_batch = max_batch
        with tf.Graph().as_default() as graph, deprecation_expected():
            self._session = tf.compat.v1.Session(graph=graph, config=_A_CORE)
            loaded = tf.compat.v1.saved_model.load(
                self._session, [tf.saved_model.SERVING], str(folder)
            )
        self.definitions: dict[str, SignatureDef] = dict(loaded.signature_def)

        self._functions = {
            name: self._function(one)
            for name, one in self.definitions.items()
            if one.inputs  # `__saved_model_init_op` has none
        }
        warmup.replay(
            folder,
            {
                name: lambda name=name, **inputs: self.run(
                    name, {key: value.numpy() for key, value in inputs.items()}
                )
                for name in self._functions
            },
        )

    def inputs(self, signature: str) -> Mapping[str, TensorInfo]:
        """Input name -> its description.

        Raises:
            RequestError: If there is no such signature.
        """
        return self._definition(signature).inputs

    def outputs(self, signature: str) -> Mapping[str, TensorInfo]:
        """Output name -> its description.

        Raises:
            RequestError: If there is no such signature.
        """
        return self._definition(signature).outputs

    def check(self, name: str, info: TensorInfo, dtype: int, shape: Sequence) -> None:
        """Whether an input may be made and run.

        Raises:
            RequestError: If its type or shape is wrong, or the batch too large.
        """
        if dtype != info.dtype:
            raise RequestError(
                f"{name}: the type is {_type(dtype)}, must be {_type(info.dtype)}"
            )
        wanted = [one.size for one in info.tensor_shape.dim]
        if len(shape) != len(wanted) or any(
            size < 0 or size != one != -1
            for size, one in zip(shape, wanted, strict=True)
        ):
            raise RequestError(f"{name}: the shape is {[*shape]}, must be {wanted}")
        if not 0 < shape[0] <= self._max_batch:
            raise RequestError(
                f"{name}: a batch of {shape[0]}, must be 1 to {self._max_batch}"
            )

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Output name -> array.

        Raises:
            RequestError: If there is no such signature, an input doesn't fit it, or the
                graph finds something wrong.
        """
        definition = self._definition(signature)
        for name, info in definition.inputs.items():
            array = inputs[name]
            dtype = tf.dtypes.as_dtype(array.dtype).as_datatype_enum
            self.check(name, info, dtype, array.shape)
        try:
            outputs = self._functions[signature](*map(inputs.get, definition.inputs))
        except tf.errors.OpError as error:
            code = _CODES[error.error_code]
            raise RequestError(sentence(error.message), code) from None
        return dict(zip(definition.outputs, outputs, strict=True))

    def _function(self, definition: SignatureDef) -> Callable[..., Sequence]:
        """Of a signature's inputs, in order; requests that wait are put together."""
        inputs, outputs = definition.inputs.values(), definition.outputs.values()
        options = CallableOptions(
            feed=[one.name for one in inputs], fetch=[one.name for one in outputs]
        )
        # `Session.make_callable` looks up feeds and fetches again in each call, which
        # takes as long as a twentieth of a small model.
        function = self._session._make_callable_from_options(options)
        if len(inputs) == 1 and all(map(_has_batch, [*inputs, *outputs])):
            return Batches(function, self._max_batch)
        return function

    def _definition(self, signature: str) -> SignatureDef:
        if signature not in self.definitions:
            raise RequestError(
                f'Serving signature key "{signature}" not found; there are '
                f"{', '.join(sorted(self._functions))}",
                grpc.StatusCode.FAILED_PRECONDITION,
            )
        return self.definitions[signature]


def _has_batch(info: TensorInfo) -> bool:
    sizes = [one.size for one in info.tensor_shape.dim]
    return sizes[:1] == [-1]


def _type(dtype: int) -> str:
    try:
        return tf.dtypes.as_dtype(dtype).name
    except TypeError:
        return f"no. {dtype}"
