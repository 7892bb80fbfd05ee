"""Compose file and Kubernetes manifests, parsed against their schemas."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy/serving"
SCHEMAS = json.loads(Path(__file__).with_name("manifest_schemas.json").read_text())
_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def documents() -> dict[str, dict]:
    """Kind, or name of the file, -> its content."""
    found = {"compose.yaml": yaml.safe_load((DEPLOY / "compose.yaml").read_text())}
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        if file.name != "kustomization.yaml":  # kubectl reads that one in another test
            for one in yaml.safe_load_all(file.read_text()):
                found[one["kind"]] = one
    return found


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


def test_there_is_a_schema_for_each():
    assert set(documents()) == set(SCHEMAS) - {"$comment"}
    assert len(documents()) == 8


@pytest.mark.parametrize("name", sorted(documents()))
def test_manifest(name):
    assert list(faults(documents()[name], SCHEMAS[name], name)) == []


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("compose.yaml", ["services", "serving", "inti"], True),
        ("compose.yaml", ["services", "serving", "init"], 1),
        ("compose.yaml", ["services", "serving", "healthcheck", "retries"], [1]),
        ("Deployment", ["spec", "template", "spec", "shareProcessNamespaces"], True),
        ("Deployment", ["spec", "replicas"], "2"),
        ("Deployment", ["spec", "selector"], None),
        ("Service", ["spec", "ports", 0, "targetport"], "grpc"),
        ("Service", ["spec", "ports", 0, "port"], None),
        ("HTTPRoute", ["spec", "rules", 0, "filters", 0, "type"], "Rewrite"),
        ("ServiceMonitor", ["spec", "endpoints", 0, "intervall"], "15s"),
    ],
)
def test_a_mistake_is_found(name, path, value):
    document = copy.deepcopy(documents()[name])
    *parents, last = path
    place = document
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    assert len(list(faults(document, SCHEMAS[name], name))) == 1
