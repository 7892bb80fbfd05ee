"""Look into `saved_model.pb` without loading the model."""

import os
from pathlib import Path

from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def read_meta_graph(version: str | os.PathLike) -> MetaGraphDef:
    """The graph that a server loads, the one with the tag `serve`.

    Raises:
        ValueError: If the file can't be parsed or holds no such graph.
    """
    saved = SavedModel()
    try:
        saved.ParseFromString((Path(version) / "saved_model.pb").read_bytes())
    except Exception as error:  # protobuf's own classes differ by its implementation
        raise ValueError(f"saved_model.pb can't be read: {error}") from error
    for graph in saved.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            return graph
    raise ValueError("saved_model.pb holds no graph with the tag 'serve'")


def signatures(graph: MetaGraphDef) -> dict[str, SignatureDef]:
    """The signatures that a server offers, by name."""
    return {
        name: signature
        for name, signature in graph.signature_def.items()
        if not name.startswith("__")  # `__saved_model_init_op` is no signature
    }


def first_operations(graph: GraphDef, tensor: str) -> set[str]:
    """Types of the operations that take `tensor` in, seen through function calls.

    Args:
        graph: Graph with its library of functions.
        tensor: Name of a tensor of the outer graph, as signatures hold it (`"x:0"`).
    """
    functions = {one.signature.name: one for one in graph.library.function}
    found = set()
    pending = [(graph.node, tensor.removesuffix(":0"))]
    while pending:
        nodes, name = pending.pop()
        for node in nodes:
            for position, source in enumerate(node.input):
                if source.removesuffix(":0") != name:
                    continue
                if node.op in _CALLS:
                    inner = functions[node.attr["f"].func.name]
                    argument = inner.signature.input_arg[position].name
                    pending.append((inner.node_def, argument))
                else:
                    found.add(node.op)
    return found
