"""Compose file and Kubernetes manifests, as far as they can be tried without either."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from ltpa_tf import serving
from ltpa_tf.serving import model_server

DEPLOY = Path(__file__).parents[2] / "deploy" / "serving"


def flags_of(arguments):
    return {one.partition("=")[0].removeprefix("--"): one for one in arguments}


@pytest.fixture(scope="module")
def known_flags():
    """The flags that serve.py passes to the real server."""
    return set(flags_of(model_server.arguments(Path("/m"), 1, 2, True, True)))


def assert_it_serves_as_here(flags):
    """Threads that fit the batching, and no waiting for what doesn't load."""
    for name, value in {
        "grpc_max_threads": model_server.GRPC_THREADS,
        "rest_api_num_threads": model_server.REST_THREADS,
        "max_num_load_retries": 0,
    }.items():
        assert flags[name] == f"--{name}={value}"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def manifests():
    """Kind -> manifest, of everything that kustomization.yaml lists."""
    folder = DEPLOY / "kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {f.name for f in folder.iterdir()} - {"kustomization.yaml"}
    return {
        one["kind"]: one
        for name in listed
        for one in yaml.safe_load_all((folder / name).read_text())
    }


def test_compose_passes_flags_that_exist(compose, known_flags):
    service = compose["services"]["serving"]
    flags = flags_of(service["command"])
    assert set(flags) <= known_flags
    assert_it_serves_as_here(flags)
    assert "rest_api_enable_cors_support" in flags
    assert service["init"] is True  # else it ignores SIGTERM
    assert service["image"] == model_server.IMAGE
    (volume,) = service["volumes"]
    assert volume["source"] == volume["target"]  # models.config names it by this path
    for name in ("model_config_file", "batching_parameters_file"):
        assert volume["target"] in flags[name]


def test_compose_is_reached_from_this_machine_only(compose):
    ports = [port for one in compose["services"].values() for port in one["ports"]]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_mounts_what_exists(compose):
    for name in ("explorer", "prometheus"):
        for volume in compose["services"][name]["volumes"]:
            assert (DEPLOY / volume.split(":")[0]).exists()


def test_prometheus_reads_the_path_that_is_configured(base, manifests):
    configured = serving.server_files.read_monitoring(base).prometheus_config.path
    scrape = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
    (job,) = scrape["scrape_configs"]
    (endpoint,) = manifests["ServiceMonitor"]["spec"]["endpoints"]
    template = manifests["Deployment"]["spec"]["template"]
    annotation = template["metadata"]["annotations"]["prometheus.io/path"]
    assert {job["metrics_path"], endpoint["path"], annotation} == {configured}


def test_manifests_fit_together(manifests, known_flags):
    deployment = manifests["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    for kind in ("Deployment", "PodDisruptionBudget", "ServiceMonitor"):
        assert (
            manifests[kind]["spec"]["selector"]["matchLabels"].items() <= labels.items()
        )
    assert manifests["Service"]["spec"]["selector"].items() <= labels.items()
    (container,) = deployment["template"]["spec"]["containers"]
    assert container["image"] == model_server.IMAGE
    flags = flags_of(container["args"])
    assert set(flags) <= known_flags
    assert_it_serves_as_here(flags)
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert flags["port"] == f"--port={ports['grpc']}"
    assert flags["rest_api_port"] == f"--rest_api_port={ports['rest']}"
    for port in manifests["Service"]["spec"]["ports"]:
        assert port["targetPort"] in ports
    (mount,) = container["volumeMounts"]
    assert flags["model_config_file"].partition("=")[2].startswith(mount["mountPath"])


def test_a_pod_is_given_time_and_ended_when_it_hangs(manifests):
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    startup = container["startupProbe"]
    # Longer than the 120 s that 1,000 warm-up records take at the 8 a second seen.
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    # A server whose threads all wait accepts TCP connections and answers nothing.
    liveness = container["livenessProbe"]
    assert liveness["httpGet"]["port"] == container["readinessProbe"]["httpGet"]["port"]
    # As process 1 of its own namespace it ignores SIGTERM.
    assert pod["shareProcessNamespace"] is True


def test_probes_and_routes_are_answered(manifests, development):
    """By a server of a model with labels, under this model's name."""
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    paths = {
        container[f"{one}Probe"]["httpGet"]["path"] for one in ("startup", "readiness")
    }
    alive = container["livenessProbe"]["httpGet"]["path"]
    targets = [
        filter_["urlRewrite"]["path"]["replaceFullPath"]
        for rule in manifests["HTTPRoute"]["spec"]["rules"]
        for filter_ in rule.get("filters", [])
    ]
    assert len(targets) == 2
    url, name = development.url, development.name
    assert requests.get(url + alive.replace("quickstart", name)).status_code == 200
    for path in paths:
        here = path.replace("quickstart", name)
        assert requests.get(url + here).status_code == 200
        never = re.sub("labels/stable", "labels/none", here)
        assert requests.get(url + never).status_code == 400
    zeros = [[[[0] * 3] * 32] * 32]
    for target in targets:
        here = target.replace("quickstart", name)
        assert requests.post(url + here, json={"instances": zeros}).ok


def test_kubectl_can_build_them(manifests):
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl")
    command = [kubectl, "kustomize", str(DEPLOY / "kubernetes")]
    built = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kinds = {one["kind"] for one in yaml.safe_load_all(built)}
    assert kinds == set(manifests)
    for one in yaml.safe_load_all(built):
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "ltpa"


def test_an_export_can_be_written_for_another_path(base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "animals")
    where = "/models/animals"
    serving.label(folder, {"stable": 1, "canary": 1}, where)
    assert serving.server_files.read_models(folder).base_path == where
    assert serving.check_export(folder, load=False, base_path=where) == []
    assert len(serving.check_export(folder, load=False)) == 1
    # Who moves a label later needn't know where that is.
    serving.label(folder, {"stable": 1})
    model = serving.server_files.read_models(folder)
    assert (model.name, model.base_path) == ("animals", where)
