"""Validates objects against the schemas of Kubernetes, of each version there is, and of custom resources."""
import functools
import json
import pathlib
import re

import importlib_resources
import jsonschema
import kubernetes_validate
import referencing

import objects

# The versions that our manifests are for.
VERSIONS = [(1, minor) for minor in range(25, 38)]

# Kinds of others whose schemas are not at hand; what is written of them is not validated, and said so.
UNCHECKED = {
    ("networking.istio.io", "EnvoyFilter"), ("networking.istio.io", "Gateway"),
    ("gateway.networking.k8s.io", "HTTPRoute"), ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.envoyproxy.io", "ClientTrafficPolicy"), ("inference.networking.k8s.io", "InferencePool"),
    ("cert-manager.io", "Certificate"), ("cert-manager.io", "Issuer"),
}


def group(document):
    version = document["apiVersion"]
    return version.rsplit("/", 1)[0] if "/" in version else ""


@functools.cache
def schema_folder(version):
    """The folder of a version's schemas in the package; there must be one of just that version."""
    name = f"v{version[0]}.{version[1]}.0-local-strict"
    folder = importlib_resources.files("kubernetes_validate").joinpath("kubernetes-json-schema", name)
    if not folder.is_dir():
        raise objects.Refused(f"kubernetes-validate {kubernetes_validate.__version__} has no schemas of {name}")
    return folder


@functools.cache
def registry(version):
    definitions = json.loads(schema_folder(version).joinpath("_definitions.json").read_text())
    return referencing.Resource.from_contents(definitions) @ referencing.Registry()


@functools.cache
def built_in(kind, api_version, version):
    """What validates a kind of Kubernetes' own; None where that version has none of it."""
    prefix = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    file = schema_folder(version).joinpath(f"{kind.lower()}-{prefix}.json")
    if not file.is_file():
        return None
    schema = json.loads(file.read_text())
    return jsonschema.Draft202012Validator(
        schema, registry=referencing.Resource.from_contents(schema) @ registry(version))


def closed(schema):
    """A custom resource's schema in which fields that are not named are faults, as kubectl's validation has it."""
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key == "properties":
            value = {name: closed(property) for name, property in value.items()}
        elif key in {"items", "additionalProperties", "not"}:
            value = closed(value)
        elif key in {"allOf", "anyOf", "oneOf"}:
            # These only constrain what is declared beside them.
            value = list(value)
        made[key] = value
    if made.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if made.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    if "properties" in made and "additionalProperties" not in made \
            and not made.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def custom(definitions):
    """What validates each custom resource, by its group, version and kind, from the objects that define them."""
    validators = {}
    for definition in definitions:
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = closed(version["schema"]["openAPIV3Schema"])
            schema.setdefault("properties", {}).update({
                "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}})
            schema["additionalProperties"] = False
            jsonschema.Draft202012Validator.check_schema(schema)
            key = (spec["group"], version["name"], spec["names"]["kind"])
            validators[key] = jsonschema.Draft202012Validator(schema)
    return validators


@functools.cache
def others(folder):
    """What validates custom resources that are not ours, of a folder of their definitions."""
    found = []
    for file in sorted(pathlib.Path(folder).glob("*.yaml")):
        found += [o for o in objects.load(file.read_text(), file) if o.get("kind") == "CustomResourceDefinition"]
    return custom(found)


def faults(document, customs, versions=VERSIONS):
    """What is wrong with an object, in each version of Kubernetes; yields "unchecked" for one that cannot be validated.

    An annotation `tonari.dev/since: "1.29"` says from which version on an object can be applied."""
    if not isinstance(document.get("apiVersion"), str) or not isinstance(document.get("kind"), str):
        yield "no apiVersion, or no kind"
        return
    api_group, kind = group(document), document["kind"]
    version = document["apiVersion"].rsplit("/", 1)[-1]
    validator = customs.get((api_group, version, kind))
    if validator is None and (api_group in {"", "apps", "autoscaling", "batch", "policy"} or api_group.endswith(".k8s.io")
                              and (api_group, kind) not in UNCHECKED):
        since = ((document.get("metadata") or {}).get("annotations") or {}).get("tonari.dev/since")
        least = tuple(int(part) for part in since.split(".")) if since else versions[0]
        found = {}
        for version in versions:
            if version < least:
                continue
            validator = built_in(kind, document["apiVersion"], version)
            messages = ["Kubernetes has no such kind"] if validator is None else [
                f"{'.'.join(map(str, error.absolute_path)) or 'the object'}: {error.message[:300]}"
                for error in validator.iter_errors(document)]
            for message in messages:
                found.setdefault(message, []).append(f"{version[0]}.{version[1]}")
        for message, where in found.items():
            yield f"{message} (Kubernetes {where[0]}{'' if len(where) == 1 else ' to ' + where[-1]})"
        return
    if validator is not None:
        for error in validator.iter_errors(document):
            yield f"{'.'.join(map(str, error.absolute_path)) or 'the object'}: {error.message[:300]}"
    elif (api_group, kind) in UNCHECKED or api_group == "networking.istio.io":
        yield "unchecked"
    else:
        yield f"no schema of {document['apiVersion']} {kind} is known here"
