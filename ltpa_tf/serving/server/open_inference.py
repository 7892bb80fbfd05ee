"""The Open Inference Protocol's view of a model, whatever the transport.

The protocol knows no signatures: a model has inputs, and a request names the outputs
that it wants. So the model `NAME` takes `images` and gives what `attention_maps` gives,
and `NAME_bytes` takes `encoded` files; only what is asked for is computed.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

import ltpa_tf
from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError
from ltpa_tf.serving.server.version import Version

SERVER = {
    "name": "ltpa_tf development server",
    "version": ltpa_tf.__version__,
    "extensions": [protocol.BINARY_EXTENSION],
}
PLATFORM = "tensorflow_savedmodel"

# Of Triton's extensions, what would change the answer; other parameters are ignored.
_NOT_HERE = ("classification", "shared_memory_region")


@dataclasses.dataclass(frozen=True)
class Input:
    """An input as it was sent.

    Attributes:
        name: Its name.
        datatype: The protocol's name of its type.
        shape: As it was sent, which may be nonsense.
        read: Makes the array; raises ValueError if the content doesn't fit.
    """

    name: str
    datatype: str
    shape: Sequence[int]
    read: Callable[[], np.ndarray]


class Model:
    """A version of a model, as the protocol has it.

    Args:
        name: Of the model, with `_bytes` where it takes files.
        version: That is served.

    Attributes:
        name: As given.
        version: As given.
        inputs: Input name -> its description.
        outputs: The same of all outputs that there are.
    """

    def __init__(self, name: str, version: Version, takes_files: bool):
        self.name, self.version = name, version
        # The least that is computed first.
        self._signatures = sorted(
            (
                signature
                for signature, definition in version.definitions.items()
                if definition.inputs and signature.endswith("_bytes") == takes_files
            ),
            key=lambda signature: len(version.outputs(signature)),
        )
        self.inputs = version.inputs(self._signatures[0])
        self.outputs = {
            name: info
            for signature in self._signatures
            for name, info in version.outputs(signature).items()
        }

    def metadata(self) -> dict:
        """What the protocol says of a model."""
        return {
            "name": self.name,
            "versions": [str(self.version.number)],
            "platform": PLATFORM,
            "inputs": [_tensor(*one) for one in self.inputs.items()],
            "outputs": [_tensor(*one) for one in self.outputs.items()],
        }

    def infer(
        self, inputs: Sequence[Input], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Output name -> array.

        Args:
            inputs: As they were sent.
            outputs: The names that are asked for, in the order of the answer; if empty,
                all but those of compact forms.

        Raises:
            RequestError: If something doesn't fit the model.
        """
        names = [one.name for one in inputs]
        if sorted(names) != sorted(self.inputs):
            raise RequestError(f"the inputs are {[*self.inputs]}, not {names}")
        outputs = outputs or sorted(self.version.outputs(self._signatures[-1]))
        if not set(outputs) <= set(self.outputs) or len(set(outputs)) < len(outputs):
            raise RequestError(f"outputs {outputs}: each once, of {[*self.outputs]}")
        arrays = {one.name: self._array(one) for one in inputs}
        found: dict[str, np.ndarray] = {}
        while missing := set(outputs) - set(found):
            found |= self.version.run(self._signature(missing), arrays)
        return {name: found[name] for name in outputs}

    def _signature(self, outputs: set[str]) -> str:
        """The cheapest signature with all of the outputs, or with the most of them."""

        def missing(signature: str) -> int:
            return len(outputs - set(self.version.outputs(signature)))

        return min(self._signatures, key=missing)

    def _array(self, one: Input) -> np.ndarray:
        info = self.inputs[one.name]
        wanted = _datatype(info)
        if one.datatype != wanted:
            raise RequestError(
                f"{one.name}: the datatype is {one.datatype!r}, must be {wanted!r}"
            )
        # Before the array is made: a few bytes can claim gigabytes.
        self.version.check(one.name, info, info.dtype, one.shape)
        try:
            return one.read()
        except ValueError as error:
            raise RequestError(f"{one.name}: {error}") from None


def refuse_extensions(name: str, parameters: Iterable[str]) -> None:
    """Looks through a tensor's parameters.

    Raises:
        RequestError: If they ask for what isn't here.
    """
    for one in parameters:
        if one in _NOT_HERE:
            raise RequestError(f"{name}: {one} isn't implemented here")


def find(repository: Repository, name: str, version: str) -> Model:
    """The model that is asked for.

    Args:
        repository: The loaded versions.
        name: Of the model, with `_bytes` where it takes files.
        version: A number, or empty for the highest.

    Raises:
        RequestError: If it isn't there.
    """
    if version and not (version.isascii() and version.isdigit() and len(version) < 19):
        raise RequestError(f"version {version!r}, must be an integer")
    takes_files = name == f"{repository.name}_bytes"
    found = repository.find(
        repository.name if takes_files else name, int(version) if version else None
    )
    return Model(name, found, takes_files)


def _tensor(name: str, info: TensorInfo) -> dict:
    shape = [one.size for one in info.tensor_shape.dim]
    return {"name": name, "datatype": _datatype(info), "shape": shape}


def _datatype(info: TensorInfo) -> str:
    return protocol.datatype(tf.dtypes.as_dtype(info.dtype).as_numpy_dtype)
