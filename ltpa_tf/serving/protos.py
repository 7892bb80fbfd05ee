"""TensorFlow Serving's configuration messages that no Python package ships.

Field names, numbers and types are those of tensorflow/serving's
`servables/tensorflow/session_bundle_config.proto` and `config/monitoring_config.proto`,
so a text that parses here parses on the server.
"""

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

_PACKAGE = "ltpa_tf.serving"
_INT64 = "google.protobuf.Int64Value"
_BATCHING = {
    "max_batch_size": _INT64,
    "batch_timeout_micros": _INT64,
    "max_enqueued_batches": _INT64,
    "num_batch_threads": _INT64,
    "thread_pool_name": "google.protobuf.StringValue",
    "allowed_batch_sizes": "repeated int64",
    "pad_variable_length_inputs": "bool",
}
_PROMETHEUS = {"enable": "bool", "path": "string"}
_MONITORING = {"prometheus_config": f"{_PACKAGE}.PrometheusConfig"}


def _messages() -> dict[str, type]:
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "bool": field.TYPE_BOOL,
        "string": field.TYPE_STRING,
        "int64": field.TYPE_INT64,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="ltpa_tf/serving/configs.proto", package=_PACKAGE, syntax="proto3"
    )
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in {
        "BatchingParameters": _BATCHING,
        "PrometheusConfig": _PROMETHEUS,
        "MonitoringConfig": _MONITORING,
    }.items():
        message = file.message_type.add(name=name)
        for number, (key, kind) in enumerate(fields.items(), start=1):
            repeated = kind.startswith("repeated ")
            kind = kind.removeprefix("repeated ")
            message.field.add(
                name=key,
                number=number,
                label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL,
                type=scalars.get(kind, field.TYPE_MESSAGE),
                type_name=None if kind in scalars else f".{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        )
        for name in ("BatchingParameters", "MonitoringConfig")
    }


_CLASSES = _messages()
BatchingParameters = _CLASSES["BatchingParameters"]
MonitoringConfig = _CLASSES["MonitoringConfig"]
