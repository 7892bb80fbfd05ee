"""The development server, judged by what TensorFlow Serving answered.

`answers.csv` holds what `tensorflow_model_server` 2.20.0 answered to some 500 requests,
each told in words that `words_rest` and `words_rpc` turn into the request. Where the
development server answers otherwise, the row says so and why, and so does
docs/serving.md. With a real server here it is asked, too, and the table is judged.
"""

import csv
import dataclasses
import http.client
import socket
import urllib.parse
from pathlib import Path

import grpc
import pytest
import words_rest
import words_rpc

TABLE = Path(__file__).with_name("answers.csv")
DOCS = Path(__file__).parents[2] / "docs/serving.md"


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table; the last three are empty where both answer alike."""

    transport: str
    request: str
    status: str
    content_type: str
    server_version: str
    development_status: str
    development_content_type: str
    why: str

    def expected(self, kind: str) -> tuple[str, str]:
        if kind == "development" and self.why:
            return self.development_status, self.development_content_type
        return self.status, self.content_type


def rows(transport: str) -> list[Row]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        found = [Row(**row) for row in csv.DictReader(file)]
    return [row for row in found if row.transport == transport]


@pytest.fixture(scope="module")
def server(start_server):
    """The paths in the table are of a model with this name."""
    with start_server(name="quickstart") as running:
        if running.name != "quickstart":
            pytest.skip("the server at TF_SERVING_URL has a model of another name")
        yield running


def differences(server, transport, ask):
    """Request -> answer, where it isn't what the table says."""
    found = {row: ask(row.request) for row in rows(transport)}
    assert len(found) > 10
    return {
        row.request: f"{answer}, not {row.expected(server.kind)}"
        for row, answer in found.items()
        if answer != row.expected(server.kind)
    }


def test_rest(server):
    address = urllib.parse.urlsplit(server.url).netloc

    def ask(words):
        method, target, body, headers = words_rest.request(words)
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.putrequest(method, target)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        connection.close()
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return str(response.status), kind

    assert differences(server, "rest", ask) == {}


def test_raw_http(server):
    address = urllib.parse.urlsplit(server.url)

    def ask(words):
        with socket.create_connection((address.hostname, address.port), 60) as one:
            one.sendall(words_rest.RAW[words])
            line = one.makefile("rb").readline().decode().strip()
        # What is said after the number differs by the library.
        return " ".join(line.split(" ")[:2]), ""

    assert differences(server, "raw", ask) == {}


def test_grpc(server):
    with grpc.insecure_channel(server.grpc_address) as channel:

        def ask(words):
            method, content = words_rpc.request(words)
            try:
                channel.unary_unary(method)(content, timeout=60)
            except grpc.RpcError as error:
                return error.code().name, ""
            return "OK", ""

        assert differences(server, "rpc", ask) == {}


def test_every_difference_is_in_the_docs():
    told = DOCS.read_text(encoding="utf-8").replace("\n", " ")
    whys = {row.why for kind in ("rest", "raw", "rpc") for row in rows(kind)}
    assert {why for why in whys if why not in told} == set()
