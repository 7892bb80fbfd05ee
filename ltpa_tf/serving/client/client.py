"""Ask a server: TensorFlow Serving, Triton, KServe, or the development server."""

import functools
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.images import Preprocessing, files
from ltpa_tf.images.sending import sendable
from ltpa_tf.serving import answer_log
from ltpa_tf.serving.client.decoding import decoded, why_bad
from ltpa_tf.serving.client.open_inference_rest import OpenInferenceRest
from ltpa_tf.serving.client.open_inference_rpc import OpenInferenceGrpc
from ltpa_tf.serving.client.rest import RestTransport
from ltpa_tf.serving.client.rpc import GrpcTransport
from ltpa_tf.serving.client.transport import (
    BACKOFF,
    NotServed,
    RequestRefused,
    Transport,
)
from ltpa_tf.serving.pixels import checked
from ltpa_tf.serving.prediction import Prediction, from_outputs
from ltpa_tf.words import text_of

PROTOCOLS = ("v1", "v2")
_NOT_OURS = "the model isn't an export of ltpa_tf:"
_MOST_BYTES = 2**24  # of a request's files; the development server takes 2**25 in all
_TRANSPORTS = {
    ("v1", False): RestTransport,
    ("v1", True): GrpcTransport,
    ("v2", False): OpenInferenceRest,
    ("v2", True): OpenInferenceGrpc,
}


class Client:
    """Images in, predictions with attention maps out; a context manager.

    A request that doesn't reach the server, or that it is too busy for, is tried again,
    after 0.2, 0.4, ... seconds.
    What a server would take in silence and misread is refused here.

    Args:
        server: `http://HOST:8501` or `https://...` for REST, `grpc://HOST:8500` for
            gRPC.
        model: Name of the model: the name of its folder of versions.
        protocol: `"v1"`, TensorFlow Serving's, or `"v2"`, the Open Inference Protocol
            of Triton and KServe.
        version: A version; by default the server's latest.
        label: A label such as `stable`, in place of a version; only v1 has labels.
        timeout: Seconds that one request may take.
        retries: How often a request is tried again.
        batch: The most images of one request; more are asked in several.
        log: A file that gets a line for each prediction, see `serving.answer_log`; what
            was there stays. `pipelines.monitor` reads it.

    Raises:
        SettingError: If an argument can't be used. The methods raise it for images
            that can't be used, and a `ServingError` if the server doesn't answer:
            `ServerUnreachable`, `NotServed`, `RequestRefused` or `ServerFailed`.

    Example:
        >>> with serving.Client("http://127.0.0.1:8501", "mine") as client:
        ...     (answer,) = client.predict_files(["photos/cat/0.png"])
        >>> answer.name in "0123456789"
        True
    """

    def __init__(
        self,
        server: str,
        model: str,
        *,
        protocol: str = "v1",
        version: int | None = None,
        label: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
        batch: int = 32,
        log: str | os.PathLike | None = None,
    ):
        if version is not None and label is not None:
            raise SettingError("version, label", (version, label), "one of them")
        if batch < 1:
            raise SettingError("batch", batch, "1 or more")
        if protocol not in PROTOCOLS:
            raise SettingError("protocol", protocol, " or ".join(PROTOCOLS))
        if protocol == "v2" and label is not None:
            raise SettingError("label", label, "none: protocol v2 has versions alone")
        scheme, separator, address = server.partition("://")
        if not (separator and address and scheme in ("http", "https", "grpc")):
            accepted = "http://HOST:PORT or grpc://HOST:PORT"
            raise SettingError("server", server, accepted)
        where = address if scheme == "grpc" else server
        settings = (model, version, *([label] if protocol == "v1" else ()))
        kind = _TRANSPORTS[protocol, scheme == "grpc"]
        self._transport: Transport = kind(where, *settings, timeout, retries)
        self._batch, self._retries = batch, retries
        self._log = None if log is None else Path(log)
        if self._log:
            _prove_writable(self._log)

    def predict(
        self, images: np.ndarray, *, maps: bool | str = True
    ) -> list[Prediction]:
        """One prediction for each image of `[batch, H, W, 3]`, values 0 to 255.

        Args:
            images: Integers of any type.
            maps: Whether to ask for maps and evidence, where there are any; or a
                compact form that was exported: `"native"`, `"uint8"` or `"top"`.
        """
        images = checked(images, self.image_shape)
        return self._ask(self._signature(maps), images)

    def predict_bytes(
        self, encoded: Sequence[bytes], *, maps: bool | str = True
    ) -> list[Prediction]:
        """One prediction for each JPEG or PNG file's content.

        Where a model takes no files, as one in ONNX, they are decoded here.
        """
        if not encoded:
            return []
        if "serving_bytes" not in self._signatures:
            shape, chosen = self.image_shape, self._preprocessing
            return self.predict(decoded(encoded, shape, chosen), maps=maps)
        return self._ask(self._signature(maps, "_bytes"), list(encoded))

    def predict_files(
        self,
        paths: Iterable[str | os.PathLike],
        *,
        maps: bool | str = True,
        errors: list[SettingError] | None = None,
    ) -> list[Prediction | None]:
        """One prediction for each image file, of any kind that can be trained on.

        JPEG and PNG are sent as they are, others as PNG; see `sending`. A server that
        batches answers all requests of a batch alike, so a refusal may be due to
        another client's file: a file is only said to be bad if the code that is in an
        export can't decode it here either.

        Args:
            paths: The files.
            maps: As in `predict`.
            errors: Gets the error of each file that can't be used, whose prediction is
                then None; without it, all of them are raised together.
        """
        self._signature(maps)  # asks the server: no file is to blame for that
        results = []
        paths = list(paths)
        for start in range(0, len(paths), self._batch):
            results += self._predict_some(paths[start : start + self._batch], maps)
        return files.set_aside(results, errors)

    @functools.cached_property
    def has_maps(self) -> bool:
        """Whether the model has attention."""
        return "attention_maps" in self._signatures

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, 3)` that `predict` takes."""
        (shape,) = self._signatures["serving_default"].values()
        return tuple(shape[1:])

    def states(self) -> dict[int, str]:
        """Version -> its state on the server, such as `AVAILABLE`."""
        return self._transport.states()

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def __enter__(self) -> "Client":
        """The client."""
        return self

    def __exit__(self, *_error) -> None:
        """Closes the connection."""
        self.close()

    def _signature(self, maps: bool | str, end: str = "") -> str:
        """The signature to ask; its name ends in `_bytes` if it takes files."""
        if isinstance(maps, str):
            name = f"attention_{maps}"
            if name not in self._signatures:
                raise SettingError(
                    "maps", maps, f"a form that {[*self._signatures]} have"
                )
            return name + end
        if maps and self.has_maps:
            return f"attention_maps{end}"
        return f"serving{end or '_default'}"

    @functools.cached_property
    def _preprocessing(self) -> Preprocessing:
        """How files become images, as the model says it in each answer."""
        (name,) = self._signatures["serving_default"]
        nothing = np.zeros((1, *self.image_shape), np.uint8)
        return self._answers("serving_default", name, nothing)[0].preprocessing

    @functools.cached_property
    def _signatures(self) -> dict[str, dict[str, list[int]]]:
        found = self._transport.signatures()
        if len(found.get("serving_default", ())) != 1:
            raise NotServed(f"{_NOT_OURS} its signatures are {found}")
        return found

    def _answers(self, signature: str, name: str, batch: Sequence) -> list[Prediction]:
        outputs = self._transport.ask(signature, name, batch)
        # Of a single output REST has the values alone.
        given = [*outputs] if isinstance(outputs, Mapping) else []
        if not {"probabilities", "top_classes", "top_names"} <= {*given}:
            said = given or "one without a name"
            raise NotServed(f"{_NOT_OURS} its outputs are {said}")
        return from_outputs(outputs)

    def _predict_some(
        self, paths: Sequence, maps: bool | str
    ) -> list[Prediction | SettingError]:
        contents = files.in_parallel(sendable, paths)
        results = []
        for part in _of_few_bytes(zip(paths, contents, strict=True)):
            good = [one for _, one in part if isinstance(one, bytes)]
            try:
                answers = iter(self.predict_bytes(good, maps=maps))
            except RequestRefused:
                # One of them is bad. Ask one by one to know which.
                results += [self._predict_file(*one, maps) for one in part]
            else:
                results += [
                    next(answers) if isinstance(one, bytes) else one for _, one in part
                ]
        return results

    def _predict_file(
        self, path, content: bytes | SettingError, maps: bool | str
    ) -> Prediction | SettingError:
        if isinstance(content, SettingError):
            return content
        for number in range(self._retries + 1):
            if number:  # the next batch has others in it
                time.sleep(BACKOFF * 2 ** (number - 1))
            try:
                return self.predict_bytes([content], maps=maps)[0]
            except RequestRefused as error:
                refusal, name = error, text_of(path)
            if said := why_bad(content):
                return SettingError(name, "a file that can't be used", said)
        raise RequestRefused(f"{refusal} (to {name} alone, which can be decoded here)")

    def _ask(self, signature: str, batch: Sequence) -> list[Prediction]:
        ((name, _),) = self._signatures[signature].items()
        predictions = []
        for start in range(0, len(batch), self._batch):
            some = batch[start : start + self._batch]
            answers = self._answers(signature, name, some)
            if self._log:
                self._write_log(answers)
            predictions += answers
        return predictions

    def _write_log(self, predictions: Sequence[Prediction]) -> None:
        try:
            answer_log.append(self._log, predictions)
        except OSError as error:  # the answers are there, and worth more than a log
            logging.warning("%s isn't written: %s", self._log, error.strerror)


def _of_few_bytes(read: Iterable[tuple]) -> Iterator[list[tuple]]:
    """Files and their contents, or errors, in parts that a request can hold."""
    part, size = [], 0
    for path, content in read:
        more = len(content) if isinstance(content, bytes) else 0
        if part and size + more > _MOST_BYTES:
            yield part
            part, size = [], 0
        part.append((path, content))
        size += more
    yield part


def _prove_writable(log: Path) -> None:
    try:
        with log.open("a"):
            pass
    except OSError as error:
        raise SettingError(
            "log", str(log), f"a file that can be written to ({error.strerror})"
        ) from None
