"""The checks of one version, and of what changed since the version before it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef

from ltpa_tf.serving import graph, server_files, warmup

CLASS_NAMES_FILE = "class_names.json"


def problems(version: Path, *, load: bool, max_batch: int | None = None) -> list[str]:
    """What a server or its clients would trip over in this version.

    Args:
        version: Folder of the version.
        load: Whether it is also loaded and asked.
        max_batch: The most images of a request that the server takes; None for any.

    Returns:
        A sentence for each.
    """
    try:
        meta_graph = graph.read_meta_graph(version)
    except ValueError as error:
        return [f"{version}: {error}"]
    found = [
        f"{version}: {sentence}"
        for sentence in (
            *_signatures(meta_graph),
            *_class_names(version, meta_graph),
            *_warmup(version, meta_graph, max_batch),
        )
    ]
    if load and not found:  # running a wrong graph can end the process
        found = [f"{version}: {sentence}" for sentence in _answers(version)]
    return found


def changes(previous: Path, version: Path) -> list[str]:
    """What clients of the version before would trip over in this one."""
    try:
        before, after = (
            graph.signatures(graph.read_meta_graph(one)) for one in (previous, version)
        )
    except ValueError:
        return []  # `problems` says so
    found = []
    for name, signature in sorted(before.items()):
        where = f"{version}: signature {name!r}"
        if name not in after:
            found.append(f"{where} is missing, version {previous.name} has it")
            continue
        for kind in ("inputs", "outputs"):
            old, new = _described(signature, kind), _described(after[name], kind)
            found += [
                f"{where}: {kind[:-1]} {key!r} was {was} in version {previous.name}, "
                f"is {new.get(key, 'missing')}"
                for key, was in sorted(old.items())
                if new.get(key) != was
            ]
    return found


def _described(signature: SignatureDef, kind: str) -> dict[str, str]:
    """Name -> dtype, and for inputs the shape too (an output may grow classes)."""
    return {
        name: tf.dtypes.as_dtype(info.dtype).name
        + (f" {_shape(info)}" if kind == "inputs" else "")
        for name, info in getattr(signature, kind).items()
    }


def _shape(info) -> list[int] | None:
    shape = info.tensor_shape
    return None if shape.unknown_rank else [dim.size for dim in shape.dim]


def _signatures(meta_graph: MetaGraphDef) -> Iterator[str]:
    signatures = graph.signatures(meta_graph)
    if "serving_default" not in signatures:
        yield "no signature 'serving_default', which a request without a name asks"
    for name, signature in sorted(signatures.items()):
        for key, info in sorted(signature.inputs.items()):
            where = f"signature {name!r}: input {key!r}"
            if (_shape(info) or [0])[0] != -1:
                yield f"{where} has no batch of any size as dimension 0"
            first = graph.first_operations(meta_graph.graph_def, info.name)
            if first != {"EnsureShape"}:
                yield (
                    f"{where} goes into {', '.join(sorted(first)) or 'nothing'} before "
                    "tf.ensure_shape: a malformed request can end the server"
                )
        for key, info in sorted(signature.outputs.items()):
            if (_shape(info) or [0])[0] != -1:
                yield (
                    f"signature {name!r}: output {key!r} has no batch as dimension 0: "
                    "a server answers with an error"
                )


def _class_names(version: Path, meta_graph: MetaGraphDef) -> Iterator[str]:
    file = version / CLASS_NAMES_FILE
    try:
        names = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield f"{CLASS_NAMES_FILE} can't be read: {error}"
        return
    if not isinstance(names, list):
        yield f"{CLASS_NAMES_FILE} must have a list of names, not {names!r}"
        return
    for name, signature in sorted(graph.signatures(meta_graph).items()):
        shape = _shape(signature.outputs["probabilities"])
        if shape and len(names) != shape[-1]:
            yield f"signature {name!r}: {shape[-1]} classes, but {len(names)} names"


def _warmup(
    version: Path, meta_graph: MetaGraphDef, max_batch: int | None
) -> Iterator[str]:
    signatures = graph.signatures(meta_graph)
    try:
        requests = list(warmup.read(version))
    except ValueError as error:
        yield str(error)
        return
    if len(requests) > warmup.MAX_RECORDS:
        yield (
            f"{len(requests):,} warm-up records: with more than {warmup.MAX_RECORDS:,} "
            "a server doesn't load the version"
        )
    for number, request in enumerate(requests):
        name = request.model_spec.signature_name or "serving_default"
        if name not in signatures:
            yield f"warm-up record {number} asks for signature {name!r}"
        elif set(request.inputs) != set(signatures[name].inputs):
            yield f"warm-up record {number}: inputs {sorted(request.inputs)}"
        elif max_batch and (size := _images(request)) > max_batch:
            yield (
                f"warm-up record {number} has {size} images, but max_batch_size of "
                f"{server_files.BATCHING} is {max_batch}: a server doesn't load the "
                "version; export it again"
            )


def _images(request) -> int:
    return max(
        (one.tensor_shape.dim[0].size if one.tensor_shape.dim else 0)
        for one in request.inputs.values()
    )


def _answers(version: Path) -> Iterator[str]:
    """What comes back when the version is loaded and asked."""
    try:
        loaded = tf.saved_model.load(str(version))
        warmup.replay(version, loaded.signatures)
    except Exception as error:  # damaged files raise anything, IndexError too
        yield f"doesn't load: {error}"
        return
    for name, function in sorted(loaded.signatures.items()):
        ((key, spec),) = function.structured_input_signature[1].items()
        for size in (1, 3):
            batch = {key: _batch(size, spec)}
            first, second = function(**batch), function(**batch)
            for output, value in first.items():
                if value.shape[0] != size:
                    yield (
                        f"signature {name!r}: output {output!r} has "
                        f"{value.shape[0]} rows for {size} images"
                    )
                elif not np.array_equal(value, second[output]):
                    yield f"signature {name!r}: output {output!r} isn't deterministic"


def _batch(size: int, spec: tf.TensorSpec) -> tf.Tensor:
    """Random images, or image files, that fit the input."""
    rng = np.random.default_rng(size)
    if spec.dtype == tf.string:
        images = rng.integers(0, 256, (size, 40, 30, 3), np.uint8)
        return tf.stack([tf.io.encode_png(image) for image in images])
    shape = (size, *spec.shape[1:])
    return tf.constant(rng.integers(0, 256, shape), spec.dtype)
