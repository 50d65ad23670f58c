"""The Pod Security Standards: what a pod must not have at the levels `baseline` and `restricted`.

The rules and their names are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/, with the
version of Kubernetes from which each holds or is loosened. Windows has no rules here but HostProcess: what runs on
Windows is not built here. Where a version loosens a rule for pods in a user namespace, the strict rule is kept.
"""

LEVELS = ["privileged", "baseline", "restricted"]

BASELINE_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}
RESTRICTED_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t"}
# The sysctls that are safe, and from which version on.
SYSCTLS = {
    "kernel.shm_rmid_forced": (1, 0),
    "net.ipv4.ip_local_port_range": (1, 0),
    "net.ipv4.ip_unprivileged_port_start": (1, 0),
    "net.ipv4.tcp_syncookies": (1, 0),
    "net.ipv4.ping_group_range": (1, 0),
    "net.ipv4.ip_local_reserved_ports": (1, 27),
    "net.ipv4.tcp_keepalive_time": (1, 29),
    "net.ipv4.tcp_fin_timeout": (1, 29),
    "net.ipv4.tcp_keepalive_intvl": (1, 29),
    "net.ipv4.tcp_keepalive_probes": (1, 29),
}
SECCOMP = {"RuntimeDefault", "Localhost"}
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def containers(spec):
    """Each container of a pod, with the path that names it."""
    for field in ["initContainers", "containers", "ephemeralContainers"]:
        for index, container in enumerate(spec.get(field) or []):
            yield f"{field}[{index}] '{container.get('name', '')}'", container


def security_contexts(spec):
    """The security context of the pod and of each container, with the path that names it."""
    yield "the pod", spec.get("securityContext") or {}
    for where, container in containers(spec):
        yield where, container.get("securityContext") or {}


def handlers(container):
    """The actions of probes and lifecycle hooks."""
    for field in ["livenessProbe", "readinessProbe", "startupProbe"]:
        yield field, container.get(field) or {}
    for field in ["postStart", "preStop"]:
        yield f"lifecycle.{field}", (container.get("lifecycle") or {}).get(field) or {}


# MARK: Baseline


def host_process(metadata, spec, version):
    for where, context in security_contexts(spec):
        if (context.get("windowsOptions") or {}).get("hostProcess"):
            yield f"{where}: windowsOptions.hostProcess is true"


def host_namespaces(metadata, spec, version):
    for field in ["hostNetwork", "hostPID", "hostIPC"]:
        if spec.get(field):
            yield f"{field} is true"


def privileged_containers(metadata, spec, version):
    for where, container in containers(spec):
        if (container.get("securityContext") or {}).get("privileged"):
            yield f"{where}: privileged is true"


def baseline_capabilities(metadata, spec, version):
    for where, container in containers(spec):
        added = set(((container.get("securityContext") or {}).get("capabilities") or {}).get("add") or [])
        if added - BASELINE_CAPABILITIES:
            yield f"{where}: capabilities.add has {', '.join(sorted(added - BASELINE_CAPABILITIES))}"


def host_path_volumes(metadata, spec, version):
    for volume in spec.get("volumes") or []:
        if "hostPath" in volume:
            yield f"volume '{volume['name']}' is a hostPath"


def host_ports(metadata, spec, version):
    for where, container in containers(spec):
        for port in container.get("ports") or []:
            if port.get("hostPort"):
                yield f"{where}: hostPort {port['hostPort']}"


def host_probes(metadata, spec, version):
    if version < (1, 34):
        return
    for where, container in containers(spec):
        for field, handler in handlers(container):
            for action in ["httpGet", "tcpSocket"]:
                if (handler.get(action) or {}).get("host"):
                    yield f"{where}: {field}.{action}.host is set"


def app_armor(metadata, spec, version):
    for key, value in (metadata.get("annotations") or {}).items():
        if key.startswith(APPARMOR_ANNOTATION) and value not in ["", "runtime/default"] \
                and not value.startswith("localhost/"):
            yield f"annotation {key} is '{value}'"
    for where, context in security_contexts(spec):
        kind = (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault")
        if kind not in {"RuntimeDefault", "Localhost"}:
            yield f"{where}: appArmorProfile.type is {kind}"


def selinux(metadata, spec, version):
    allowed = SELINUX_TYPES | ({"container_engine_t"} if version >= (1, 31) else set())
    for where, context in security_contexts(spec):
        options = context.get("seLinuxOptions") or {}
        if options.get("type", "") not in allowed:
            yield f"{where}: seLinuxOptions.type is {options['type']}"
        for field in ["user", "role"]:
            if options.get(field):
                yield f"{where}: seLinuxOptions.{field} is set"


def proc_mount(metadata, spec, version):
    for where, container in containers(spec):
        mount = (container.get("securityContext") or {}).get("procMount", "Default")
        if mount != "Default":
            yield f"{where}: procMount is {mount}"


def baseline_seccomp(metadata, spec, version):
    for where, context in security_contexts(spec):
        kind = (context.get("seccompProfile") or {}).get("type", "RuntimeDefault")
        if kind not in SECCOMP:
            yield f"{where}: seccompProfile.type is {kind}"


def sysctls(metadata, spec, version):
    for sysctl in (spec.get("securityContext") or {}).get("sysctls") or []:
        since = SYSCTLS.get(sysctl["name"])
        if since is None or version < since:
            yield f"sysctl {sysctl['name']}"


# MARK: Restricted


def volume_types(metadata, spec, version):
    for volume in spec.get("volumes") or []:
        # A volume of no named type is an emptyDir.
        kinds = set(volume) - {"name"}
        if kinds - RESTRICTED_VOLUMES:
            yield f"volume '{volume['name']}' is of type {', '.join(sorted(kinds - RESTRICTED_VOLUMES))}"


def privilege_escalation(metadata, spec, version):
    for where, container in containers(spec):
        if (container.get("securityContext") or {}).get("allowPrivilegeEscalation") is not False:
            yield f"{where}: allowPrivilegeEscalation is not false"


def run_as_non_root(metadata, spec, version):
    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    for where, container in containers(spec):
        own = (container.get("securityContext") or {}).get("runAsNonRoot")
        if own is False or (own is None and pod is not True):
            yield f"{where}: runAsNonRoot is not true"


def run_as_non_root_user(metadata, spec, version):
    for where, context in security_contexts(spec):
        if context.get("runAsUser") == 0:
            yield f"{where}: runAsUser is 0"


def restricted_seccomp(metadata, spec, version):
    pod = (spec.get("securityContext") or {}).get("seccompProfile")
    for where, container in containers(spec):
        profile = (container.get("securityContext") or {}).get("seccompProfile") or pod
        if (profile or {}).get("type") not in SECCOMP:
            yield f"{where}: no seccompProfile of type RuntimeDefault or Localhost"


def restricted_capabilities(metadata, spec, version):
    for where, container in containers(spec):
        capabilities = (container.get("securityContext") or {}).get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or []):
            yield f"{where}: capabilities.drop has no ALL"
        added = set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}
        if added:
            yield f"{where}: capabilities.add has {', '.join(sorted(added))}"


RULES = {
    "baseline": {
        "HostProcess": host_process,
        "Host Namespaces": host_namespaces,
        "Privileged Containers": privileged_containers,
        "Capabilities": baseline_capabilities,
        "HostPath Volumes": host_path_volumes,
        "Host Ports": host_ports,
        "Host Probes / Lifecycle Hooks": host_probes,
        "AppArmor": app_armor,
        "SELinux": selinux,
        "/proc Mount Type": proc_mount,
        "Seccomp": baseline_seccomp,
        "Sysctls": sysctls,
    },
    "restricted": {
        "Volume Types": volume_types,
        "Privilege Escalation": privilege_escalation,
        "Running as Non-root": run_as_non_root,
        "Running as Non-root user": run_as_non_root_user,
        "Seccomp (restricted)": restricted_seccomp,
        "Capabilities (restricted)": restricted_capabilities,
    },
}


def violations(metadata, spec, level, version):
    """What a pod violates of a level, as "rule: what was found"; its metadata and specification are given as objects.

    The version is that of Kubernetes, such as (1, 36)."""
    for name in LEVELS[1:LEVELS.index(level) + 1]:
        for rule, check in RULES[name].items():
            for found in check(metadata or {}, spec, version):
                yield f"{rule}: {found}"
