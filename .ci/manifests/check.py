#!/usr/bin/env python3
"""Checks all that manifests/ applies: schemas of Kubernetes 1.25 to 1.37, Pod Security Standards, rules of the house.

With --binary also that the containers' arguments are such as the program takes. TONARI_CRDS may name a folder of others'
custom resource definitions, such as Istio's and cert-manager's, for their objects.
"""
import argparse
import collections
import os
import sys

import arguments
import house
import objects
import pod_security
import schemas

ENFORCE = "pod-security.kubernetes.io/enforce"
# A namespace that allows more than `restricted` says why.
REASON = "tonari.dev/pod-security-reason"


def namespace_levels(everything):
    """The level that each namespace enforces, by its name; and the faults of those that enforce too little."""
    levels, faults = {}, []
    for document in everything:
        if document.get("kind") != "Namespace":
            continue
        metadata = document["metadata"]
        level = (metadata.get("labels") or {}).get(ENFORCE)
        if level not in pod_security.LEVELS:
            faults.append((document, f"label {ENFORCE} is {level}: expected one of {', '.join(pod_security.LEVELS)}"))
            continue
        levels[metadata["name"]] = level
        if level != "restricted" and not (metadata.get("annotations") or {}).get(REASON, "").strip():
            faults.append((document, f"enforces {level}: annotation {REASON} has to say why"))
    return levels, faults


def security(document, levels):
    """What the pods of an object violate of what their namespace enforces, `restricted` where it is not ours."""
    template = objects.pod_template(document)
    if template is None:
        return
    level = levels.get(house.namespace(document), "restricted")
    found = collections.defaultdict(list)
    for version in schemas.VERSIONS:
        for violation in pod_security.violations(*template, level, version):
            found[violation].append(f"{version[0]}.{version[1]}")
    for violation, versions in found.items():
        yield f"violates PodSecurity \"{level}\" (Kubernetes {versions[0]} to {versions[-1]}): {violation}"


def check(manifests, others=None):
    """All faults, each with the manifest and the object that has it; and how often each kind was not validated.

    The validators of custom resources that are not ours are given with `others`."""
    everything = [document for manifest in manifests for document in manifest.objects]
    ours = schemas.custom([d for d in everything if d.get("kind") == "CustomResourceDefinition"])
    customs = {**(others or {}), **ours}
    levels, found = namespace_levels(everything)
    faults = [("", document, fault) for document, fault in found]
    unchecked = collections.Counter()
    for manifest in manifests:
        for document in manifest.objects:
            for fault in schemas.faults(document, customs):
                if fault == "unchecked":
                    unchecked[f"{document['apiVersion']} {document['kind']}"] += 1
                else:
                    faults.append((manifest.name, document, fault))
            found = list(security(document, levels))
            # An example of somebody else's pod has nothing to do with our image, our network policies, our Secrets.
            if not manifest.name.startswith("examples/"):
                found += house.faults(document, everything)
            faults += [(manifest.name, document, fault) for fault in found]
    return faults, unchecked


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="a built tonari")
    options = parser.parse_args()
    try:
        manifests = list(objects.manifests())
        # Definitions of others' custom resources, where there are some: Istio's, cert-manager's.
        folder = os.environ.get("TONARI_CRDS")
        faults, unchecked = check(manifests, schemas.others(folder) if folder else None)
        # Envoys' own configurations, which nobody applies.
        for file in sorted(objects.ROOT.glob("envoy/*.yaml")):
            for document in objects.load(file.read_text(), file):
                faults += [(f"envoy/{file.name}", {"kind": "configuration"}, fault) for fault in house.stripped(document)]
        if options.binary:
            faults += arguments.check(manifests, arguments.commands(options.binary))
    except objects.Refused as error:
        sys.exit(str(error))
    # What several manifests take in is one fault.
    for line in dict.fromkeys(f"{name}: {objects.describe(document)}: {fault}" for name, document, fault in faults):
        print(line, file=sys.stderr)
    for kind, count in sorted(unchecked.items()):
        print(f"no schema at hand, not validated: {kind} ({count})")
    versions = f"{schemas.VERSIONS[0][0]}.{schemas.VERSIONS[0][1]} to {schemas.VERSIONS[-1][0]}.{schemas.VERSIONS[-1][1]}"
    count = sum(len(manifest.objects) for manifest in manifests)
    if faults:
        sys.exit(f"manifests: {len(faults)} faults")
    print(f"manifests: {count} objects of {len(manifests)} manifests are in order for Kubernetes {versions}")


if __name__ == "__main__":
    main()
