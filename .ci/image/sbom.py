#!/usr/bin/env python3
"""Writes what a tonari binary or image holds as a CycloneDX 1.5 document, and the licences of all of it.

The Swift packages are those of Package.resolved, the Debian packages those that dpkg says are installed, or those named
with --debian. A package whose licence is not found, or is none that is known here, is an error: somebody has to look.
"""
import argparse
import json
import pathlib
import re
import shutil
import sys

# What a licence file says that is of each kind. The first that is found counts.
KNOWN = [
    ("Apache-2.0", re.compile(r"Apache License\s+Version 2\.0")),
    ("MIT", re.compile(r"Permission is hereby granted, free of charge")),
    ("BSD-3-Clause", re.compile(r"Redistribution and use in source and binary forms.*Neither the name", re.S)),
]
NAMES = re.compile(r"(LICEN[CS]E|NOTICES?|COPYING)(\.(txt|md))?", re.I)


class Unknown(Exception):
    """A package of which something is not known that must be."""


def license_of(text, what):
    for identifier, pattern in KNOWN:
        if pattern.search(text):
            return identifier
    raise Unknown(f"{what}: none of the licences that are known here ({', '.join(k for k, _ in KNOWN)})")


def license_files(checkout):
    """The licences and notices of a package and of what it carries from others, in the order of their paths."""
    found = [
        path for path in sorted(checkout.rglob("*"))
        if path.is_file() and NAMES.fullmatch(path.name)
        and not {"Tests", "dev", ".git", "Benchmarks", "Examples"} & set(path.relative_to(checkout).parts)
    ]
    if not any(path.parent == checkout and path.name.upper().startswith("LICEN") for path in found):
        raise Unknown(f"{checkout}: no LICENSE at its root")
    return found


def swift_packages(resolved, checkouts):
    """The components of Package.resolved, each with its licence files."""
    pins = json.loads(resolved.read_text())["pins"]
    folders = {path.name.lower(): path for path in checkouts.iterdir() if path.is_dir()}
    for pin in sorted(pins, key=lambda pin: pin["identity"]):
        name, state = pin["identity"], pin["state"]
        if name.lower() not in folders:
            raise Unknown(f"{name}: named in {resolved}, but not in {checkouts}")
        files = license_files(folders[name.lower()])
        main = next(f for f in files if f.name.upper().startswith("LICEN") and f.parent == folders[name.lower()])
        location = re.sub(r"^https://|\.git$", "", pin["location"])
        yield {
            "type": "library", "name": name, "version": state.get("version", state["revision"]),
            "purl": f"pkg:swift/{location}@{state.get('version', state['revision'])}",
            "licenses": [{"license": {"id": license_of(main.read_text(errors="replace"), main)}}],
        }, [(file.relative_to(folders[name.lower()]), file) for file in files]


def stanzas(status):
    """The paragraphs of dpkg's status file, as dictionaries."""
    for paragraph in status.read_text(errors="replace").split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): ?(.*)$", paragraph, re.M))
        if fields.get("Status", "").endswith(" installed"):
            yield fields


def debian_licenses(copyright_file):
    """The names of the licences that a copyright file in Debian's machine-readable form lists, else where to read."""
    text = copyright_file.read_text(errors="replace")
    names = sorted({name.strip() for name in re.findall(r"^License: *(\S.*)$", text, re.M)})
    return [{"license": {"name": name}} for name in names] or [{"license": {"name": f"see {copyright_file.name}"}}]


def debian_packages(status, doc, only=None):
    """The components that dpkg knows; the ones named, where some are. Each says from which source it is built."""
    found = {}
    for fields in stanzas(status):
        name = fields["Package"]
        if only is None or name in only:
            found[name] = fields
    missing = sorted(set(only or ()) - set(found))
    if missing:
        raise Unknown(f"{status}: {', '.join(missing)} not installed")
    for name in sorted(found):
        fields = found[name]
        file = doc / name / "copyright"
        if not file.exists():
            raise Unknown(f"{name}: no {file}")
        source, _, source_version = fields.get("Source", name).partition(" ")
        yield {
            "type": "library", "name": name, "version": fields["Version"],
            "purl": f"pkg:deb/debian/{name}@{fields['Version']}?arch={fields['Architecture']}",
            "licenses": debian_licenses(file),
            "properties": [
                {"name": "debian:source", "value": source},
                {"name": "debian:source-version", "value": source_version.strip("()") or fields["Version"]},
            ],
        }, file


def document(components):
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {
            "component": {
                "type": "application", "name": "tonari",
                # Linked with GLPK, the whole goes out under the GPL; see NOTICE.
                "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
            }
        },
        "components": components,
    }


def write(arguments):
    out = arguments.out
    texts = out / "third-party"
    components = []
    for component, files in swift_packages(arguments.resolved, arguments.checkouts):
        components.append(component)
        for relative, file in files:
            target = texts / component["name"] / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    # The standard library, Foundation and Dispatch are linked in.
    components.append({
        "type": "library", "name": "swift-runtime", "version": arguments.swift_version,
        "licenses": [{"expression": "Apache-2.0 WITH Swift-exception"}],
    })
    license_of(arguments.swift_license.read_text(errors="replace"), arguments.swift_license)
    (texts / "swift-runtime").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.swift_license, texts / "swift-runtime" / "LICENSE.txt")
    for component, file in debian_packages(arguments.dpkg_status, arguments.doc, arguments.debian):
        components.append(component)
        if arguments.debian:
            (texts / component["name"]).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, texts / component["name"] / "copyright")
    (out / "sbom.cdx.json").write_text(json.dumps(document(components), indent=1) + "\n")
    return len(components)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    path = pathlib.Path
    parser.add_argument("--resolved", type=path, required=True, help="Package.resolved")
    parser.add_argument("--checkouts", type=path, required=True, help="where SwiftPM has the packages' sources")
    parser.add_argument("--swift-license", type=path, required=True, help="the toolchain's LICENSE.txt")
    parser.add_argument("--swift-version", default="unknown", help="the toolchain's version")
    parser.add_argument("--dpkg-status", type=path, default=path("/var/lib/dpkg/status"))
    parser.add_argument("--doc", type=path, default=path("/usr/share/doc"), help="where Debian's copyright files are")
    parser.add_argument(
        "--debian", nargs="+", metavar="PACKAGE", help="name these Debian packages and take their licences along; "
        "without it all that are installed are named, and their licences are where --doc has them")
    parser.add_argument("--out", type=path, required=True, help="the folder for sbom.cdx.json and third-party/")
    try:
        count = write(parser.parse_args())
    except (Unknown, OSError) as error:
        sys.exit(f"sbom: {error}")
    print(f"sbom: {count} components")


if __name__ == "__main__":
    main()
