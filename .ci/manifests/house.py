"""What holds for everything that we run, beyond what Kubernetes asks for."""
import re

import objects
import pod_security

# An image of ours cannot be pulled until somebody says where it is: nobody can register a name below `.invalid`.
PLACEHOLDER = "tonari.invalid/tonari:unset"
# Images of others, by what they begin with.
OTHERS = ["registry.k8s.io/kube-scheduler:v", "registry.k8s.io/sig-storage/csi-node-driver-registrar:v",
          "registry.k8s.io/sig-storage/livenessprobe:v"]


def labels_hold(selector, labels):
    """Whether a label selector selects an object with these labels."""
    selector = selector or {}
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        value, values = labels.get(expression["key"]), expression.get("values") or []
        holds = {
            "In": value in values, "NotIn": value not in values,
            "Exists": value is not None, "DoesNotExist": value is None,
        }[expression["operator"]]
        if not holds:
            return False
    return True


def namespace(document):
    return (document.get("metadata") or {}).get("namespace", "default")


def images(document, spec, everything):
    for where, container in pod_security.containers(spec):
        image = container.get("image", "")
        if image != PLACEHOLDER and not any(image.startswith(other) for other in OTHERS):
            yield f"{where}: image {image}: expected {PLACEHOLDER}, which manifests/image sets"


def resources(document, spec, everything):
    for where, container in pod_security.containers(spec):
        asked = container.get("resources") or {}
        for field, names in [("requests", ["cpu", "memory"]), ("limits", ["memory"])]:
            for name in names:
                if name not in (asked.get(field) or {}):
                    yield f"{where}: no resources.{field}.{name}"


def probes(document, spec, everything):
    if document["kind"] not in {"Deployment", "DaemonSet", "StatefulSet"}:
        return
    for index, container in enumerate(spec.get("containers") or []):
        if container.get("livenessProbe") is None and container.get("readinessProbe") is None:
            yield f"containers[{index}] '{container.get('name')}': no probe"


def priority(document, spec, everything):
    """GKE and others refuse Kubernetes' own classes outside kube-system to namespaces without a quota for them."""
    name = spec.get("priorityClassName", "")
    if name.startswith("system-") and namespace(document) != "kube-system":
        yield f"priorityClassName {name} is refused outside kube-system"
    elif name and not name.startswith("system-") and not any(
            other["kind"] == "PriorityClass" and other["metadata"]["name"] == name for other in everything):
        yield f"priorityClassName {name} is defined nowhere"


def disruption(document, spec, everything):
    """Who has a replica to spare says how many may be away, and has them on several nodes."""
    if document["kind"] != "Deployment" or document["spec"].get("replicas", 1) < 2:
        return
    labels = document["spec"]["template"]["metadata"].get("labels") or {}
    if not any(other["kind"] == "PodDisruptionBudget" and namespace(other) == namespace(document)
               and labels_hold(other["spec"].get("selector"), labels) for other in everything):
        yield "no PodDisruptionBudget selects its pods"
    spread = [c.get("topologyKey") for c in spec.get("topologySpreadConstraints") or []]
    terms = ((spec.get("affinity") or {}).get("podAntiAffinity") or {})
    if not spread and not terms:
        yield "nothing spreads its pods over nodes"


def isolation(document, spec, everything):
    """Each pod is selected by a NetworkPolicy for what comes in and by one for what goes out, so that the rest is denied."""
    labels = (objects.pod_template(document)[0] or {}).get("labels") or {}
    types = set()
    for other in everything:
        if other["kind"] == "NetworkPolicy" and namespace(other) == namespace(document) \
                and labels_hold(other["spec"].get("podSelector"), labels):
            types |= set(other["spec"].get("policyTypes") or [])
    for missing in sorted({"Ingress", "Egress"} - types):
        yield f"no NetworkPolicy of type {missing} selects its pods"


def plain_text(document, spec, everything):
    """No listener of ours that is not on loopback goes without TLS."""
    for where, container in pod_security.containers(spec):
        for argument in [*(container.get("command") or []), *(container.get("args") or [])]:
            if argument == "--insecure":
                yield f"{where}: --insecure"


def secrets(document, spec, everything):
    """A Secret that is mounted is one that manifests/certificates or a Certificate beside it makes."""
    made = {(namespace(other), other["spec"].get("secretName")) for other in everything if other["kind"] == "Certificate"}
    for volume in spec.get("volumes") or []:
        name = (volume.get("secret") or {}).get("secretName")
        if name and (namespace(document), name) not in made:
            yield f"volume '{volume['name']}': no Certificate makes the Secret {name}"


RULES = {
    "image": images, "resources": resources, "probes": probes, "priority class": priority, "disruption": disruption,
    "network policy": isolation, "plain text": plain_text, "secrets": secrets,
}


def stripped(node, path=""):
    """Where an Envoy's HTTP connections are configured without taking away what only a neighbouring cluster may say."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from stripped(item, f"{path}[{index}]")
    elif isinstance(node, dict):
        if str(node.get("@type", "")).endswith("http_connection_manager.v3.HttpConnectionManager"):
            mutations = [mutation for extension in node.get("early_header_mutation_extensions") or []
                         for mutation in extension["typed_config"]["mutations"]]
            if {"remove": "x-tonari-hops"} not in mutations:
                yield f"edge: {path}: early_header_mutation_extensions do not remove x-tonari-hops"
        for key, value in node.items():
            yield from stripped(value, f"{path}.{key}" if path else key)


def faults(document, everything):
    """What of an object that makes pods is not as the house has it; `everything` is all objects of all manifests."""
    template = objects.pod_template(document)
    if template is not None:
        for rule, check in RULES.items():
            for found in check(document, template[1], everything):
                yield f"{rule}: {found}"
    yield from stripped(document)
    if document.get("kind") == "ConfigMap":
        for name, text in (document.get("data") or {}).items():
            for url in re.findall(r"urlPrefix: (http://\S+)", text):
                yield f"plain text: {name} has {url}"
