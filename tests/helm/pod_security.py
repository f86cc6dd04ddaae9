"""The Pod Security Standard "restricted", as Kubernetes' documentation states it for Linux pods: what breaks it."""

from collections.abc import Iterator

from tests.oncall.shipped import Config, mapping, mappings, words

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SECCOMP = ("RuntimeDefault", "Localhost")
SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}


def violations(pod: Config) -> list[str]:
    """Returns what a pod's specification breaks, each as the field that does; nothing if it passes."""
    return [*_of_pod(pod), *(each for container in containers(pod) for each in _of_container(container, pod))]


def containers(pod: Config) -> Iterator[Config]:
    """Yields every container of a pod, whatever it is for."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from mappings(pod.get(kind, []))


def _of_pod(pod: Config) -> Iterator[str]:
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))
    for volume in mappings(pod.get("volumes", [])):
        yield from (f"volume {volume['name']}: {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    sysctls = {str(each["name"]) for each in mappings(_security(pod).get("sysctls", []))}
    yield from (f"sysctl {name}" for name in sorted(sysctls - SYSCTLS))
    yield from _of_both(_security(pod), "pod")


def _of_container(container: Config, pod: Config) -> Iterator[str]:
    name, own = container["name"], _security(container)
    effective = {**_security(pod), **own}
    yield from _of_both(own, str(name))
    yield from (f"{name}: hostPort" for port in mappings(container.get("ports", [])) if port.get("hostPort"))
    if own.get("privileged"):
        yield f"{name}: privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    if own.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    capabilities = mapping(own.get("capabilities", {}))
    if "ALL" not in words(capabilities.get("drop", [])):
        yield f"{name}: capabilities.drop"
    if set(words(capabilities.get("add", []))) - {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities.add"
    if effective.get("runAsNonRoot") is not True:
        yield f"{name}: runAsNonRoot"
    if mapping(effective.get("seccompProfile", {})).get("type") not in SECCOMP:
        yield f"{name}: seccompProfile"


def _of_both(security: Config, where: str) -> Iterator[str]:
    """Yields what neither a pod nor a container may set."""
    if security.get("runAsUser") == 0:
        yield f"{where}: runAsUser"
    linux = mapping(security.get("seLinuxOptions", {}))
    if linux.get("type", "") not in SELINUX or linux.get("user") or linux.get("role"):
        yield f"{where}: seLinuxOptions"
    if mapping(security.get("appArmorProfile", {})).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{where}: appArmorProfile"
    if mapping(security.get("windowsOptions", {})).get("hostProcess"):
        yield f"{where}: hostProcess"


def _security(part: Config) -> Config:
    return mapping(part.get("securityContext", {}))
