"""REST requests, from the words that describe them in the table of answers."""

import ast
import base64
import gzip
import io
import json
import zlib

import numpy as np
from PIL import Image

MODEL = "/v1/models/quickstart"
PREDICT = f"{MODEL}:predict"
SHAPE = (32, 32, 3)


def zeros(*shape):
    return np.zeros(shape, int).tolist()


ONE = zeros(*SHAPE)
GOOD = {"instances": [ONE]}
Request = tuple[str, str, bytes, dict[str, str]]


def request(words: str) -> Request:
    """Method, target, body and headers."""
    method, _, rest = words.partition(" ")
    if method.isupper() and rest.startswith("/"):
        return method, rest, b"" if method == "GET" else b"{}", {}
    if words in HEADERS:
        return HEADERS[words]
    if words == "long url":
        return "GET", f"{MODEL}?{'a' * 5000}", b"", {}
    return "POST", PREDICT, _body(words), {}


def _body(words: str) -> bytes:
    if words in BODIES:
        return BODIES[words]
    return json.dumps(_content(words)).encode()


def _content(words: str) -> dict:
    if words in CONTENTS:
        return CONTENTS[words]
    for key in ("instances", "inputs"):
        kind = words.removeprefix(f"{key} ")
        if kind.startswith("shape "):
            return {key: zeros(*ast.literal_eval(kind.removeprefix("shape ")))}
        if kind in VALUES:
            return {key: VALUES[kind]}
    if words.startswith("pixel "):
        image = zeros(*SHAPE)
        image[3][5][1] = ast.literal_eval(words.removeprefix("pixel "))
        return {"instances": [image]}
    if words.startswith("signature "):
        return {**GOOD, "signature_name": SIGNATURES[words.removeprefix("signature ")]}
    return _file_content(words)


def _file_content(words: str) -> dict:
    signature, _, kind = words.partition(" ")
    assert signature in ("serving_bytes", "attention_maps_bytes"), words
    columns = kind.startswith("columns ")
    kind = kind.removeprefix("columns ")
    body = {"signature_name": signature}
    whole = {
        "good and bad": {"instances": [_b64(PNG), _b64(b"text")]},
        "bare object": {"instances": _b64(PNG)},
        "bare column": {"inputs": _b64(PNG)},
        "33": {"instances": [_b64(PNG)] * 33},
    }
    if kind in whole:
        return body | whole[kind]
    value = FILES[kind] if kind.startswith("file ") else STRINGS.get(kind, kind)
    value = _b64(value) if isinstance(value, bytes) else value
    return body | {"inputs" if columns else "instances": [value]}


def _b64(content: bytes) -> dict:
    return {"b64": base64.b64encode(content).decode()}


def _file(form="PNG", mode="RGB", size=(32, 32)) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, 1).save(stream, form)
    return stream.getvalue()


def _png_of(width: int, height: int) -> bytes:
    """Its header claims another size than its pixels have."""
    content = bytearray(PNG)
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


PNG = _file()
JPEG = _file("JPEG")
TEXT = base64.b64encode(PNG).decode()

STRINGS = {
    "text": "no image",
    "none": None,
    "num": 7,
    "list": [],
    "b64 empty": {"b64": ""},
    "b64 pct": {"b64": f"%{TEXT[1:]}"},
    "b64 one char": {"b64": "A"},
    "b64 nopad": {"b64": base64.b64encode(_file(size=(31, 32))).decode().rstrip("=")},
    "b64 urlsafe": {"b64": TEXT},  # as this one has none of -_+/ in it
    "b64 newline": {"b64": f"{TEXT[:8]}\n{TEXT[8:]}"},
    "b64 space": {"b64": f"{TEXT[:8]} {TEXT[8:]}"},
    "b64 unicode": {"b64": "ümlaut"},
    "b64 num": {"b64": 7},
    "b64 null": {"b64": None},
    "b64 list": {"b64": [TEXT]},
    "b64 and more": {"b64": TEXT, "more": 1},
    "B64": {"B64": TEXT},
    "named twice": {"encoded": {"encoded": {"b64": TEXT}}},
    "named str": {"encoded": "no image"},
    "pixels": ONE,
}
FILES = {
    "file text": b"no image",
    "file cut png": PNG[:60],
    "file cut jpeg": JPEG[:200],
    "file gif": _file("GIF"),
    "file bmp": _file("BMP"),
    "file webp": _file("WEBP"),
    "file tiff": _file("TIFF"),
    "file png head": PNG[:8],
    "file jpeg head": JPEG[:3],
    "file one byte": PNG[:1],
    "file huge png": _png_of(60_000, 60_000),
    "file zero png": _png_of(0, 0),
    "file cmyk jpeg": _file("JPEG", "CMYK"),
    "file png 16bit": _file(mode="I;16"),
    "file L png": _file(mode="L"),
    "file LA png": _file(mode="LA"),
    "file P png": _file(mode="P"),
    "file RGBA": _file(mode="RGBA"),
    "file svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}
VALUES = {
    "null": None,
    "int": 7,
    "str": "text",
    "obj": {},
    "list of null": [None],
    "list of str": ["text"],
    "list of obj": [{}],
    "named wrong": [{"pixels": ONE}],
    "named extra": [{"images": ONE, "extra": 1}],
    "named b64": [{"b64": ONE}],
    "names b64": [{"images": {"b64": "AA=="}}],
    "named list": [{"images": [ONE]}],
}
SIGNATURES = {
    "none": None,
    "7": 7,
    "1.5": 1.5,
    "true": True,
    "[]": [],
    "{}": {},
    "empty": "",
    "space": " ",
    "nope": "nope",
    "serving_default and a space": "serving_default ",
    "SERVING_DEFAULT": "SERVING_DEFAULT",
    "__saved_model_init_op": "__saved_model_init_op",
    "of 10,000 letters": "x" * 10_000,
    "nul": "\0",
    "döner": "döner",
}


def _ragged(image):
    image[3] = image[3][:-1]
    return image


def _with(value, image=None):
    image = image or zeros(*SHAPE)
    image[3][5] = value
    return image


CONTENTS = {
    "batch 200": {"instances": [ONE] * 200},
    "ragged row": {"instances": [_ragged(zeros(*SHAPE))]},
    "ragged row inputs": {"inputs": [_ragged(zeros(*SHAPE))]},
    "ragged pixel": {"instances": [_with([0, 0])]},
    "scalar for pixel": {"instances": [_with(0)]},
    "scalar for pixel inputs": {"inputs": [_with(0)]},
    "list for value": {"instances": [_with([0, [0], 0])]},
    "images of two sizes": {"instances": [ONE, zeros(16, 16, 3)]},
    "second is null": {"instances": [ONE, None]},
    "second is text": {"instances": [ONE, "text"]},
    "second is object": {"instances": [ONE, {"images": ONE}]},
    "first is object": {"instances": [{"images": ONE}, ONE]},
    "inputs: images and another": {"inputs": {"images": [ONE], "extra": 1}},
    "inputs: another name": {"inputs": {"pixels": [ONE]}},
    "both": {"instances": [ONE], "inputs": [ONE]},
    "neither": {"signature_name": "serving_default"},
    "extra key": {**GOOD, "extra": 1},
    "no batch: instance": {"instances": ONE},
    "INSTANCES": {"INSTANCES": [ONE]},
    "examples": {"examples": [{"images": 1}]},
}
_GOOD = json.dumps(GOOD).encode()
BODIES = {
    "body empty": b"",
    "body space": b" ",
    "body null": b"null",
    "body true": b"true",
    "body number": b"7",
    "body string": b'"instances"',
    "body array": b"[1, 2]",
    "body object": b"{}",
    "body brace": b"{",
    "body quote": b'"',
    "body trailing comma": b'{"instances": [1],}',
    "body comment": b'/* */ {"instances": [1]}',
    "body bom": b"\xef\xbb\xbf{}",
    "body utf16": '{"instances": [1]}'.encode("utf-16"),
    "body bad utf8": b'{"instances": "\xff"}',
    "body nul": b"\0",
    "body nan": b'{"instances": [NaN]}',
    "body inf": b'{"instances": [Infinity]}',
    "body -inf": b'{"instances": [-Infinity]}',
    "body two objects": b"{}{}",
    "body garbage after": _GOOD + b" garbage",
    "body dup key": b'{"instances": [1], "instances": [1]}',
    "body deep": b'{"instances": ' + b"[" * 100 + b"]" * 100 + b"}",
    "body very deep": b"[" * 100_000,
    "body deep obj": b'{"a":' * 1000,
    "body lone surrogate": b'{"instances": "\\ud83d"}',
    "body big int": b'{"instances": [' + b"9" * 400 + b"]}",
    "body 1e400": b'{"instances": [1e400]}',
    "body form": b"instances=1",
    "body xml": b"<instances/>",
    "body gzip": gzip.compress(b"{}"),
}
HEADERS: dict[str, Request] = {
    name: ("POST", PREDICT, body, headers)
    for name, body, headers in (
        ("text/plain", _GOOD, {"Content-Type": "text/plain"}),
        ("form type", _GOOD, {"Content-Type": "application/x-www-form-urlencoded"}),
        ("no type", _GOOD, {}),
        ("gzip encoded", gzip.compress(_GOOD), {"Content-Encoding": "gzip"}),
        ("gzip lie", _GOOD, {"Content-Encoding": "gzip"}),
        ("deflate", zlib.compress(_GOOD), {"Content-Encoding": "deflate"}),
        ("br", _GOOD, {"Content-Encoding": "br"}),
        ("accept gzip", _GOOD, {"Accept-Encoding": "gzip"}),
        ("accept xml", b"{}", {"Accept": "application/xml"}),
        ("expect", b"{}", {"Expect": "100-continue"}),
        ("expect other", b"{}", {"Expect": "an answer"}),
        ("long header", b"{}", {"X-Long": "a" * 5_000}),
        ("very long header", b"{}", {"X-Long": "a" * 100_000}),
    )
}


def _raw(line: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join((line, *headers, "", body)).encode()


RAW = {
    "garbage": b"\x01\x02 no request\r\n\r\n",
    "http/0.9": f"GET {MODEL}\r\n\r\n".encode(),
    "http/1.0": _raw(f"GET {MODEL} HTTP/1.0"),
    "http/3.0": _raw(f"GET {MODEL} HTTP/3.0", "Host: here"),
    "no host": _raw(f"GET {MODEL} HTTP/1.1"),
    "negative length": _raw(
        f"POST {PREDICT} HTTP/1.1", "Host: here", "Content-Length: -1"
    ),
    "length text": _raw(
        f"POST {PREDICT} HTTP/1.1", "Host: here", "Content-Length: two"
    ),
    "no length": _raw(f"POST {PREDICT} HTTP/1.1", "Host: here"),
    "chunked": _raw(
        f"POST {PREDICT} HTTP/1.1",
        *("Host: here", "Transfer-Encoding: chunked"),
        body="2\r\n{}\r\n0\r\n\r\n",
    ),
    "chunked bad": _raw(
        f"POST {PREDICT} HTTP/1.1",
        *("Host: here", "Transfer-Encoding: chunked"),
        body="no size\r\n{}\r\n",
    ),
    "absolute uri": _raw(f"GET http://here{MODEL} HTTP/1.1", "Host: here"),
    "abs predict": _raw(
        f"POST http://here{PREDICT} HTTP/1.1",
        *("Host: here", "Content-Length: 2"),
        body="{}",
    ),
    "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
