"""Our manifests as objects: each kustomization as kubectl builds it, and each file that is applied by itself."""
import dataclasses
import fnmatch
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent / "manifests"

# YAML that nobody applies, and why.
NOT_APPLIED = {
    "envoy/*.yaml": "the configuration of an Envoy",
    "examples/cluster.yaml": "what kubectl get prints of a cluster",
    "examples/edges.yaml": "the input of tonari overflow plan",
    "scheduler/scheduler-*.yaml": "the configuration of a kube-scheduler",
}


class Refused(Exception):
    """Manifests that cannot be read."""


@dataclasses.dataclass
class Manifest:
    """What one command applies: its name, a folder or a file, and its objects."""
    name: str
    objects: list


def build(folder):
    """What kubectl makes of a kustomization."""
    run = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    if run.returncode != 0:
        raise Refused(f"kubectl kustomize {folder}: {run.stderr.strip()}")
    # What kubectl warns of now it refuses later.
    if run.stderr.strip():
        raise Refused(f"kubectl kustomize {folder} warns: {run.stderr.strip()}")
    return load(run.stdout, folder)


def load(text, name):
    try:
        return [document for document in yaml.load_all(text, StrictLoader) if document is not None]
    except yaml.YAMLError as error:
        raise Refused(f"{name}: {error}") from None


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML readers take either."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


# Kubernetes' quantities and times are text; YAML 1.1 would make dates of some.
StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def referenced(folder, kustomization):
    """The files of its folder that a kustomization names."""
    names = set(kustomization.get("resources") or [])
    names |= {patch.get("path") for patch in kustomization.get("patches") or [] if isinstance(patch, dict)}
    for generator in ["configMapGenerator", "secretGenerator"]:
        for made in kustomization.get(generator) or []:
            names |= {file.split("=")[-1] for file in made.get("files") or []}
    return {(folder / name).resolve() for name in names if name}


def manifests(root=ROOT):
    """All that can be applied, in the order of its names."""
    folders = sorted(path.parent for path in root.rglob("kustomization.yaml"))
    if not folders:
        raise Refused(f"{root}: no kustomization.yaml")
    named = set()
    for folder in folders:
        text = (folder / "kustomization.yaml").read_text()
        (kustomization,) = load(text, folder / "kustomization.yaml")
        named |= referenced(folder, kustomization)
        # A component is built with those that take it in.
        if kustomization.get("kind") != "Component":
            yield Manifest(folder.relative_to(root).as_posix(), build(folder))
    for file in sorted(root.rglob("*.y*ml")):
        name = file.relative_to(root).as_posix()
        if file.name == "kustomization.yaml" or file.resolve() in named:
            continue
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_APPLIED):
            continue
        yield Manifest(name, load(file.read_text(), file))


def pod_template(document):
    """The metadata and the specification of the pods that an object makes; None where it makes none."""
    spec = document.get("spec") or {}
    kind = document.get("kind")
    if kind == "Pod":
        return document.get("metadata") or {}, spec
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    elif kind == "PodTemplate":
        spec = document
    elif kind not in {"Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job"}:
        return None
    template = spec["template"]
    return template.get("metadata") or {}, template["spec"]


def describe(document):
    metadata = document.get("metadata") or {}
    namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{document.get('kind')} {namespace}{metadata.get('name', '')}".strip()
