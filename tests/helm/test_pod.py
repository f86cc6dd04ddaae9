"""The pod: safe by the strictest standard, asked how it is at the right places, and found by what looks for it."""

from pathlib import Path

import pytest
import yaml

from tests.helm.charts import CASES, CHART, at, objects, objects_of, of_kind, the, valued
from tests.helm.pod_security import violations
from tests.oncall.shipped import Config, mapping, mappings, words

pytestmark = [pytest.mark.e2e, pytest.mark.once]

GOOD: Config = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {"name": "c", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    ],
}
BAD: dict[str, tuple[Config, str]] = {
    "the host's network": ({"hostNetwork": True}, "hostNetwork"),
    "the host's processes": ({"hostPID": True}, "hostPID"),
    "a folder of the host": ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume v: hostPath"),
    "root may be": ({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}, "c: runAsNonRoot"),
    "no seccomp": ({"securityContext": {"runAsNonRoot": True}}, "c: seccompProfile"),
    "root": ({"securityContext": {**mapping(GOOD["securityContext"]), "runAsUser": 0}}, "pod: runAsUser"),
    "a sysctl": (
        {"securityContext": {**mapping(GOOD["securityContext"]), "sysctls": [{"name": "kernel.msgmax"}]}},
        "sysctl kernel.msgmax",
    ),
    "a container that may rise": (
        {"containers": [{"name": "c", "securityContext": {"capabilities": {"drop": ["ALL"]}}}]},
        "c: allowPrivilegeEscalation",
    ),
    "capabilities kept": (
        {"containers": [{"name": "c", "securityContext": {"allowPrivilegeEscalation": False}}]},
        "c: capabilities.drop",
    ),
    "an init container without any of it": ({"initContainers": [{"name": "i"}]}, "i: allowPrivilegeEscalation"),
}


def pods(found: list[Config]) -> list[Config]:
    """Returns the specification of each pod, that of `helm test` included."""
    templates = [mapping(at(each, "spec", "template", "spec")) for each in of_kind(found, "Deployment")]
    jobs = [mapping(at(each, "spec", "jobTemplate", "spec", "template", "spec")) for each in of_kind(found, "CronJob")]
    return [*templates, *jobs, *(mapping(each["spec"]) for each in of_kind(found, "Pod"))]


def container(found: list[Config]) -> Config:
    """Returns the exporter's container."""
    (first, *_) = mappings(at(the(found, "Deployment"), "spec", "template", "spec", "containers"))
    return first


@pytest.mark.parametrize("case", CASES)
def test_the_pods_pass_restricted(case: str) -> None:
    for pod in pods(objects_of(case)):
        assert violations(pod) == []


def test_defaults_and_a_secret_are_enough() -> None:
    """More than "restricted" asks for: nothing can be written, no token, a numeric user, and the key is a file."""
    found = objects("--set", "existingSecret.name=paradigm")
    (pod, _) = pods(found)
    only = container(found)

    assert violations(pod) == []
    assert at(only, "securityContext", "readOnlyRootFilesystem") is True
    assert at(pod, "securityContext", "runAsUser") == 65532
    assert pod["automountServiceAccountToken"] is False
    assert "env" not in only
    assert at(the(found, "Deployment"), "spec", "strategy") == {"type": "Recreate"}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD)
def test_the_standard_is_checked(change: Config, said: str) -> None:
    assert violations(GOOD) == []
    assert said in violations({**GOOD, **change})


def test_probes_ask_the_process_and_never_a_platform() -> None:
    only = container(objects_of("default"))
    paths = {kind: at(only, kind, "httpGet", "path") for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/-/healthy", "livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}


def test_another_way_to_ask_takes_the_place_of_the_usual_one() -> None:
    """Values are laid over each other, and Kubernetes refuses a probe with two."""
    probe = mapping(container(objects_of("everything"))["startupProbe"])
    assert "tcpSocket" in probe
    assert "httpGet" not in probe


def test_probes_and_scrapes_speak_tls_where_the_exporter_does() -> None:
    found = objects_of("tls-and-volume")
    only = container(found)
    assert at(only, "livenessProbe", "httpGet", "scheme") == "HTTPS"
    assert at(the(found, "ScrapeConfig"), "spec", "scheme") == "HTTPS"
    assert at(the(found, "Service"), "spec", "ports", 0, "appProtocol") == "https"
    assert "--web.config.file=/etc/chat-usage-exporter/web/web-config.yml" in words(only["args"])


@pytest.mark.parametrize("case", CASES)
def test_whatever_is_mounted_is_a_volume(case: str) -> None:
    for pod in pods(objects_of(case)):
        volumes = {str(each["name"]) for each in mappings(pod.get("volumes", []))}
        mounts = [
            str(mount["name"])
            for each in mappings(pod["containers"])
            for mount in mappings(each.get("volumeMounts", []))
        ]
        assert set(mounts) == volumes


@pytest.mark.parametrize("case", CASES)
def test_service_policy_and_monitors_find_the_pod(case: str) -> None:
    """By labels that it has, at a port that it has."""
    found = objects_of(case)
    labels = mapping(at(the(found, "Deployment"), "spec", "template", "metadata", "labels"))
    selectors = [
        at(the(found, "Service"), "spec", "selector"),
        at(the(found, "Deployment"), "spec", "selector", "matchLabels"),
    ]
    selectors += [at(each, "spec", "selector", "matchLabels") for each in of_kind(found, "PodMonitor")]
    selectors += [at(each, "spec", "podSelector", "matchLabels") for each in of_kind(found, "NetworkPolicy")[:1]]
    for selector in map(mapping, selectors):
        assert selector.items() <= labels.items()
    for monitor in of_kind(found, "ServiceMonitor"):
        of_service = mapping(at(the(found, "Service"), "metadata", "labels"))
        assert mapping(at(monitor, "spec", "selector", "matchLabels")).items() <= of_service.items()
    (port,) = mappings(container(found)["ports"])
    assert at(the(found, "Service"), "spec", "ports", 0, "targetPort") == port["name"] == "http"
    assert f"--web.listen-address=:{port['containerPort']}" in words(container(found)["args"])


def test_the_policy_lets_out_what_polling_needs() -> None:
    """A policy that names egress and allows none would cut the exporter off from names and platforms."""
    policy = the(objects("--set", "networkPolicy.enabled=true"), "NetworkPolicy")
    names, platforms = mappings(at(policy, "spec", "egress"))
    assert names == {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    assert platforms == {"ports": [{"port": 443, "protocol": "TCP"}]}
    assert at(policy, "spec", "ingress") == [{"ports": [{"port": 9854, "protocol": "TCP"}]}]


def test_a_changed_configuration_makes_a_new_pod_and_a_changed_label_of_prometheus_does_not() -> None:
    way = ("spec", "template", "metadata", "annotations", "checksum/config")
    before = at(the(objects(), "Deployment"), *way)
    assert at(the(objects("--set", "scrape.kind=ServiceMonitor"), "Deployment"), *way) == before
    assert at(the(objects("--set", "config.privacy.min_group=5"), "Deployment"), *way) != before


def test_the_historys_pods_are_nobody_elses() -> None:
    """The Service must not lead to them, nor the exporter's policy rule them; their own policy does."""
    found = objects_of("history")
    labels = mapping(at(the(found, "CronJob"), "spec", "jobTemplate", "spec", "template", "metadata", "labels"))
    exporters = mapping(at(the(found, "Service"), "spec", "selector"))
    of_exporter, of_history = of_kind(found, "NetworkPolicy")
    assert not exporters.items() <= labels.items()
    assert not mapping(at(of_exporter, "spec", "podSelector", "matchLabels")).items() <= labels.items()
    assert mapping(at(of_history, "spec", "podSelector", "matchLabels")).items() <= labels.items()
    assert at(of_history, "spec", "ingress") == []


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://prometheus/api/v1/write", 80),
        ("https://store.example.org/api/v1/push", 443),
        ("http://[2001:db8::1]/write", 80),
        ("http://[2001:db8::1]:9090/write", 9090),
        ("http://prometheus:9090/api/v1/write", 9090),
    ],
)
def test_the_historys_policy_lets_out_to_the_store(url: str, port: int) -> None:
    found = objects(
        "--set", f"networkPolicy.enabled=true,history.enabled=true,history.from=2026-11-01,history.remoteWriteUrl={url}"
    )  # fmt: skip
    of_exporter, of_history = of_kind(found, "NetworkPolicy")
    assert ports_out(of_exporter) == {53, 443}
    assert ports_out(of_history) == {53, 443, port}


def ports_out(policy: Config) -> set[object]:
    """Returns the ports that a policy lets out to, anywhere."""
    rules = mappings(at(policy, "spec", "egress"))
    assert all(rule.keys() == {"ports"} for rule in rules)
    return {port["port"] for rule in rules for port in mappings(rule["ports"])}


@pytest.mark.parametrize(
    ("source", "environment", "ports"),
    [
        ({}, [], {443}),
        ({"base_url": "https://paradigm.corp.example:8443"}, [], {8443}),
        ({"base_url": "http://[2001:db8::1]:8080/api/v2"}, [], {8080}),
        ({"base_url": "http://paradigm.corp.example", "allow_http": True}, [], {80}),
        ({"base_url": "https://a:8443", "proxy_url": "http://proxy:3128"}, [], {3128}),
        ({"base_url": "https://a:8443"}, [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}], {8443, 3128}),
        ({}, [{"name": "https_proxy", "value": "proxy.{{ .Release.Namespace }}:3129"}], {443, 3129}),
    ],
)
def test_the_policy_lets_out_to_the_urls_that_are_configured(
    source: Config, environment: list[Config], ports: set[int], tmp_path: Path
) -> None:
    sources = {"p": {"platform": "paradigm", **source}}
    given: Config = {"sources": sources, "extraEnv": environment, "networkPolicy": {"enabled": True}}
    assert ports_out(the(objects("--values", valued(given, tmp_path)), "NetworkPolicy")) == {53, *ports}


def test_whole_rules_may_let_out_by_ranges_and_names() -> None:
    """They are left as they are."""
    policy = the(objects_of("restricted-network"), "NetworkPolicy")
    assert at(policy, "spec", "egress", 1, "ports", 1) == {"port": 3000, "endPort": 3200, "protocol": "TCP"}


def test_all_pods_are_scheduled_labelled_and_limited_alike() -> None:
    """A tainted node, a quota, a mesh or a policy that lets the exporter be lets its history and its test be, too."""
    found = objects_of("mesh-and-quota")
    templates = [
        mapping(at(the(found, "Deployment"), "spec", "template")),
        mapping(at(the(found, "CronJob"), "spec", "jobTemplate", "spec", "template")),
        next(each for each in found if each["kind"] == "Pod"),
    ]
    for template in templates:
        spec, metadata = mapping(template["spec"]), mapping(template["metadata"])
        assert spec["tolerations"] == [{"key": "dedicated", "operator": "Exists"}]
        assert spec["nodeSelector"] == {"pool": "mon"}
        assert spec["priorityClassName"] == "high"
        assert mapping(metadata["labels"])["netpol"] == "allow"
        assert mapping(metadata["annotations"])["sidecar.istio.io/inject"] == "false"
        (only,) = mappings(spec["containers"])
        assert mapping(at(only, "resources", "limits")).keys() == {"cpu", "memory"}
        assert mapping(at(only, "resources", "requests")).keys() == {"cpu", "memory"}


def test_the_historys_pod_has_the_files_and_the_environment_of_the_exporters() -> None:
    """But none of the options of `serve`."""
    found = objects_of("history")
    (history,) = mappings(at(the(found, "CronJob"), "spec", "jobTemplate", "spec", "template", "spec", "containers"))
    for field in ("env", "envFrom"):
        assert history.get(field) == container(found).get(field)
    assert {"name": "corp-ca", "mountPath": "/etc/extra"} in mappings(history["volumeMounts"])
    assert "--web.enable-lifecycle" in words(container(found)["args"])
    assert "--web.enable-lifecycle" not in words(history["args"])


@pytest.mark.parametrize(
    ("image", "name", "version"),
    [
        ({"tag": "2.0"}, "chat-usage-exporter:2.0", "2.0"),
        ({"tag": f"2.0@sha256:{'0' * 64}"}, f"chat-usage-exporter:2.0@sha256:{'0' * 64}", "2.0"),
        ({"tag": f"@sha256:{'0' * 64}"}, f"chat-usage-exporter@sha256:{'0' * 64}", None),
        ({"digest": f"sha256:{'0' * 64}"}, f"chat-usage-exporter@sha256:{'0' * 64}", None),
    ],
)
def test_the_image_is_named_by_tag_or_digest(image: Config, name: str, version: str | None, tmp_path: Path) -> None:
    found = objects("--values", valued({"image": image}, tmp_path))
    assert container(found)["image"] == name
    labels = mapping(at(the(found, "Deployment"), "metadata", "labels"))
    assert labels["app.kubernetes.io/version"] == (
        version or yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    )
