"""What both transports answer about the model itself."""

import grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusResponse,
    ModelVersionStatus,
)

from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError
from ltpa_tf.serving.server.version import Version


def status(
    repository: Repository, name: str, number: int | None
) -> GetModelStatusResponse:
    """The state of one version, or of all.

    Raises:
        RequestError: If there is none.
    """
    states = repository.states() if name == repository.name else {}
    if number is not None:
        states = {one: states[one] for one in states if one == number}
    if not states:
        raise RequestError(
            f"Could not find any versions of model {name}", grpc.StatusCode.NOT_FOUND
        )
    response = GetModelStatusResponse()
    for version, (state, message) in states.items():
        response.model_version_status.add(
            version=version,
            state=ModelVersionStatus.State.Value(state),
            status={
                "error_code": "UNKNOWN" if message else "OK",
                "error_message": message,
            },
        )
    return response


def metadata(
    repository: Repository, version: Version
) -> tuple[GetModelMetadataResponse, SignatureDefMap]:
    """The signatures of a version, and once more outside of their envelope."""
    signatures = SignatureDefMap(signature_def=version.definitions)
    response = GetModelMetadataResponse()
    response.model_spec.name = repository.name
    response.model_spec.version.value = version.number
    response.metadata["signature_def"].Pack(signatures)
    return response, signatures
