"""JSON Schema, as far as manifests need it."""

import copy
from collections.abc import Iterator

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def faults(value, schema: dict, where: str) -> Iterator[str]:
    """What JSON Schema would refuse, of the keywords that the schemas have."""
    for keyword in ("anyOf", "oneOf"):
        choices = [list(faults(value, one, where)) for one in schema.get(keyword, ())]
        if choices and all(choices):
            yield f"{where}: none of {schema[keyword]}"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_is(value, one) for one in types):
        yield f"{where}: {value!r} is no {' or '.join(types)}"
    if value not in schema.get("enum", [value]):
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, dict):
        yield from _of_fields(value, schema, where)
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from faults(one, schema.get("items", {}), f"{where}[{number}]")


def _of_fields(value: dict, schema: dict, where: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}: no {name}"
    for name, one in value.items():
        if name not in known and others is False:
            yield f"{where}: unknown field {name}"
        else:
            yield from faults(one, known.get(name) or others or {}, f"{where}.{name}")


def _is(value, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def changed(document, path, value):
    """A copy with another value at a path of keys; None takes the key away."""
    document = copy.deepcopy(document)
    *parents, last = path
    place = document
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document
