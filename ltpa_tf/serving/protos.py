"""TensorFlow Serving's configuration messages that no Python package ships.

Field names, numbers and types are those of tensorflow/serving's
`servables/tensorflow/session_bundle_config.proto` and `config/monitoring_config.proto`,
so a text that parses here parses on the server.
"""

from collections.abc import Mapping, Sequence

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

_FIELD = descriptor_pb2.FieldDescriptorProto
_GOOGLES = (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR)
_INT64 = "google.protobuf.Int64Value"


def message_classes(
    package: str, messages: Mapping[str, Mapping[str, tuple[int, str]]]
) -> dict[str, type]:
    """Classes of messages, without a compiler of protos.

    Args:
        package: A name for them; their bytes and texts don't hold it.
        messages: Name of a message -> name of a field -> its number and type: a scalar
            such as `"int64"`, a message's name, `"repeated TYPE"`, or
            `"map string TYPE"`.

    Returns:
        Name of a message -> its class.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    pool = descriptor_pool.DescriptorPool()
    for one in _GOOGLES:
        pool.AddSerializedFile(one.serialized_pb)
        file.dependency.append(one.name)
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add_field(message, field, number, kind.split(), f".{package}.")
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{package}.{name}")
        )
        for name in messages
    }


def _add_field(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    number: int,
    kind: Sequence[str],
    package: str,
) -> None:
    *container, kind = kind
    field = message.field.add(name=name, number=number)
    field.label = _FIELD.LABEL_REPEATED if container else _FIELD.LABEL_OPTIONAL
    if container[:1] == ["map"]:
        entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
        entry.options.map_entry = True
        _add_field(entry, "key", 1, container[1:], package)
        _add_field(entry, "value", 2, [kind], package)
        kind = f"{message.name}.{entry.name}"
    scalar = f"TYPE_{kind.upper()}"
    field.type = getattr(_FIELD, scalar, _FIELD.TYPE_MESSAGE)
    if not hasattr(_FIELD, scalar):
        field.type_name = f".{kind}" if kind.startswith("google.") else package + kind


_CLASSES = message_classes(
    "ltpa_tf.serving.configs",
    {
        "BatchingParameters": {
            "max_batch_size": (1, _INT64),
            "batch_timeout_micros": (2, _INT64),
            "max_enqueued_batches": (3, _INT64),
            "num_batch_threads": (4, _INT64),
            "thread_pool_name": (5, "google.protobuf.StringValue"),
            "allowed_batch_sizes": (6, "repeated int64"),
            "pad_variable_length_inputs": (7, "bool"),
        },
        "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
        "MonitoringConfig": {"prometheus_config": (1, "PrometheusConfig")},
    },
)
BatchingParameters = _CLASSES["BatchingParameters"]
MonitoringConfig = _CLASSES["MonitoringConfig"]
