"""A real Kubernetes API server with etcd on loopback, without controllers, so no pod runs."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from tests.certificates import openssl
from tests.e2e import programs
from tests.oncall.shipped import Config, mapping
from tools.chart_schemas import CUSTOM, definition

TOOLS = Path(__file__).parents[2] / "tools" / "kube"
TOKEN = "a-token-of-this-test"
TIMEOUT_S = 60.0
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server with a client `api`, and its `kubeconfig` for helm."""

    api: httpx.Client
    kubeconfig: Path

    def create(self, found: Config, *, really: bool = False, namespace: str | None = None) -> httpx.Response:
        """Creates an object with strict validation, as a dry run unless `really` is set."""
        question = {"fieldValidation": "Strict", **({} if really else {"dryRun": "All"})}
        return self.api.post(self.place(found, namespace), params=question, json=found)

    def apply(self, text: str, *, namespace: str = "default") -> httpx.Response:
        """Applies YAML on the server with a dry run, as Flux and Argo CD do."""
        found = mapping(yaml.safe_load(text.replace("matchType: =", 'matchType: "="')))
        path = f"{self.place(found, None)}/{mapping(found['metadata'])['name']}".replace(
            "/namespaces/default/", f"/namespaces/{namespace}/"
        )
        question = {"fieldManager": "flux", "fieldValidation": "Strict", "dryRun": "All"}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        return self.api.patch(path, params=question, headers=headers, content=text)

    def all_objects(self) -> set[str]:
        """Returns the path of every object except those that the server creates itself."""
        groups = self.api.get("/apis").json()["groups"]
        bases = ["/api/v1", *(f"/apis/{each['preferredVersion']['groupVersion']}" for each in groups)]
        return {
            f"{base}/{resource['name']}/{each['metadata'].get('namespace')}/{each['metadata']['name']}"
            for base in bases
            for resource in self.api.get(base).json()["resources"]
            if "list" in resource["verbs"] and resource["name"] not in {"events", "leases"}
            for each in self.api.get(f"{base}/{resource['name']}").json().get("items") or []
            if "deletionTimestamp" not in each["metadata"]  # a claim waits for a controller, which is not there
        }

    def place(self, found: Config, namespace: str | None = None) -> str:
        """Returns the path of a kind, from the discovery API."""
        version = str(found["apiVersion"])
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        resources = self.api.get(base).raise_for_status().json()["resources"]
        (resource,) = [each for each in resources if each["kind"] == found["kind"] and "/" not in each["name"]]
        within = namespace or mapping(found["metadata"]).get("namespace", "default")
        return (
            f"{base}/namespaces/{within}/{resource['name']}" if resource["namespaced"] else f"{base}/{resource['name']}"
        )

    def helm(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs helm with this cluster."""
        command = [programs.go_tool("helm"), *arguments, f"--kubeconfig={self.kubeconfig}"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Runs etcd and the API server with the custom resources."""
    told = subprocess.run([TOOLS], check=True, capture_output=True, text=True)
    tools = Path(told.stdout.strip())
    store = f"http://127.0.0.1:{programs.free_port()}"
    port = programs.free_port()
    kubeconfig = written(folder, port)
    with programs.running(etcd(tools, folder, store), folder / "etcd.log", lambda: programs.answers(f"{store}/health")):
        api = httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            verify=False,  # noqa: S501 its certificate is one of this minute, on loopback
            trust_env=False,
        )
        command = server(tools, folder, store, port)
        with api, programs.running(command, folder / "api.log", lambda: is_ready(api), TIMEOUT_S):
            cluster = Cluster(api, kubeconfig)
            for plural in CUSTOM:
                cluster.create(dict(definition(plural)), really=True).raise_for_status()
            programs.wait_for(lambda: served(api), "the custom kinds", TIMEOUT_S)
            yield cluster


def is_ready(api: httpx.Client) -> bool:
    """Tells whether the server is ready."""
    try:
        return api.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def served(api: httpx.Client) -> bool:
    """Tells whether the server has all custom resources."""
    found = api.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").json()["items"]
    ready = [
        each["metadata"]["name"]
        for each in found
        for condition in each["status"]["conditions"] or []
        if (condition["type"], condition["status"]) == ("Established", "True")
    ]
    return len(ready) == len(CUSTOM)


def etcd(tools: Path, folder: Path, store: str) -> list[str | Path]:
    """Returns the command that runs etcd."""
    peer = f"http://127.0.0.1:{programs.free_port()}"
    return [
        tools / "etcd", f"--data-dir={folder}/etcd", f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}", "--unsafe-no-fsync", "--log-level=error",
    ]  # fmt: skip


def server(tools: Path, folder: Path, store: str, port: int) -> list[str | Path]:
    """Returns the command that runs the API server, without ServiceAccounts, which need a controller."""
    openssl(folder, "genrsa", "-out", "accounts.key", "2048")
    (folder / "tokens.csv").write_text(f"{TOKEN},tester,tester,system:masters\n")
    return [
        tools / "kube-apiserver", f"--etcd-servers={store}", "--bind-address=127.0.0.1", f"--secure-port={port}",
        f"--cert-dir={folder}/certificates", f"--token-auth-file={folder}/tokens.csv", "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24,fd00::/108", "--service-account-issuer=https://accounts.example.org",
        f"--service-account-key-file={folder}/accounts.key",
        f"--service-account-signing-key-file={folder}/accounts.key",
        "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
    ]  # fmt: skip


def written(folder: Path, port: int) -> Path:
    """Writes the kubeconfig for helm."""
    file = folder / "kubeconfig"
    server: Mapping[str, object] = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "tester", "user": {"token": TOKEN}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "tester"}}],
        "current-context": "here",
    }
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o600)
    return file
