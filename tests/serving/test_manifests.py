"""Compose file and Kubernetes manifests, parsed against their schemas."""

import json
from pathlib import Path

import pytest
import yaml
from json_schema import changed, faults

DEPLOY = Path(__file__).parents[2] / "deploy/serving"
SCHEMAS = json.loads(Path(__file__).with_name("manifest_schemas.json").read_text())


def documents() -> dict[str, dict]:
    """Kind, or name of the file, -> its content."""
    found = {"compose.yaml": yaml.safe_load((DEPLOY / "compose.yaml").read_text())}
    for file in (
        DEPLOY / "kserve.yaml",
        *sorted((DEPLOY / "kubernetes").glob("*.yaml")),
    ):
        if file.name != "kustomization.yaml":  # kubectl reads that one in another test
            for one in yaml.safe_load_all(file.read_text()):
                found[one["kind"]] = one
    return found


def test_there_is_a_schema_for_each():
    assert set(documents()) == set(SCHEMAS) - {"$comment"}
    assert len(documents()) == 9


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
        ("InferenceService", ["spec", "predictor", "model", "storageURI"], "pvc://a"),
        (
            "InferenceService",
            ["spec", "predictor", "model", "modelFormat", "name"],
            None,
        ),
    ],
)
def test_a_mistake_is_found(name, path, value):
    document = changed(documents()[name], path, value)
    assert len(list(faults(document, SCHEMAS[name], name))) == 1
