#!/usr/bin/env python3
"""Checks that the Dockerfile builds what it says, without Docker.

  check.py                  the context holds a whole package; bases are pinned; nobody is root; packages are named alike
  check.py --binary FILE    and the runtime's packages are those whose libraries the binary asks for, and a list of what is
                            inside, with all licences, can be made of what a build left in .build
  check.py --libraries      prints the runtime's packages of libraries
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import dockerfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# In the runtime for other reasons than a library that the binary is linked with.
NO_LIBRARY = {"ca-certificates", "tzdata"}
# In every Debian image; named by nobody.
IN_THE_BASE = {"libc6", "libgcc-s1", "libstdc++6"}
# Linked in by --static-swift-stdlib, where an ordinary build asks for them.
SWIFT_RUNTIME = re.compile(r"lib(swift\w*|_?Foundation(Essentials|Internationalization|ICU)?|dispatch|BlocksRuntime)\.so")
PINNED = re.compile(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}")


def check_stages(stages):
    """The faults of the stages by themselves."""
    names = {stage.name for stage in stages}
    for stage in stages:
        if stage.base not in names and not PINNED.fullmatch(stage.base):
            yield f"Dockerfile: FROM {stage.base}: expected NAME:TAG@sha256:DIGEST or a stage"
    users = stages[-1].values("USER")
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
        yield f"Dockerfile: the last USER is {users[-1] if users else 'missing'}: expected numbers that are not root's"
    for stage in stages:
        for source in stage.copied():
            if re.match(r"\.?/?(Tests|benchmarks)(/|$)|\.$", source):
                yield f"Dockerfile: COPY {source}: tests and benchmarks are not in an image"


def check_description(description, product="tonari"):
    """The faults of a package's description: what the product needs is declared, and nothing of the tests is."""
    targets = {target["name"]: target for target in description["targets"]}
    for target in targets.values():
        if target["path"].split("/")[0] != "Sources":
            yield f"{target['name']}: declared at {target['path']}, which is not in the context"
    if product not in {p["name"] for p in description["products"]}:
        yield f"no product {product}"
    for target in targets.values():
        for needed in target.get("target_dependencies", []):
            if needed not in targets:
                yield f"{target['name']}: needs {needed}, which is not declared"


def check_context(stages):
    """The faults of the package that the build stage gets to see."""
    build = next(stage for stage in stages if stage.name == "build")
    ignore = dockerfile.Ignore((ROOT / ".dockerignore").read_text())
    with tempfile.TemporaryDirectory() as folder:
        context = pathlib.Path(folder)
        try:
            count = dockerfile.build_context(ROOT, ignore, build.copied(), context)
        except ValueError as error:
            yield f"Dockerfile: {error}"
            return
        # COPY puts a file that is named with its folder beside the others; nothing else is moved.
        described = subprocess.run(
            ["swift", "package", "--package-path", folder, "describe", "--type", "json"], capture_output=True, text=True)
        if described.returncode != 0:
            yield f"the package of the Dockerfile's context ({count} files): {described.stderr.strip()}"
            return
        yield from check_description(json.loads(described.stdout))


def check_packages(stages, makefile):
    """The faults of the packages to build with: those of the Makefile are those of the image."""
    wanted = set(re.search(r"^PACKAGES := (.*)$", makefile, re.M)[1].split())
    build = next(stage for stage in stages if stage.name == "build")
    missing = wanted - build.installed()
    if missing:
        yield f"Dockerfile: the build does not install {', '.join(sorted(missing))}, which the Makefile names"


def needed_libraries(binary):
    """The names of the shared libraries that a binary asks for, less those of Swift that an image's has linked in."""
    text = subprocess.run(["readelf", "-d", binary], check=True, capture_output=True, text=True).stdout
    return [name for name in re.findall(r"\(NEEDED\).*\[(.+)\]", text) if not SWIFT_RUNTIME.fullmatch(name)]


def owner(library):
    """The Debian package of a shared library; None for one that is nobody's."""
    listing = subprocess.run(["ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    paths = [line.split("=> ")[1] for line in listing.splitlines() if line.strip().startswith(library + " ")]
    for path in paths:
        for candidate in {path, str(pathlib.Path(path).resolve()), path.removeprefix("/usr"), "/usr" + path}:
            found = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
            if found.returncode == 0:
                return found.stdout.split(":")[0]
    return None


def runtime_packages(stages):
    """The packages that the image gets beside those of its base."""
    return next(stage for stage in stages if stage.name == "runtime").installed()


def check_libraries(stages, owners):
    """The faults of the runtime's packages, given the package of each library that the binary asks for."""
    runtime = runtime_packages(stages)
    packages = set()
    for library, package in owners.items():
        if package is None:
            yield f"{library}: the binary asks for it, and no Debian package has it"
        else:
            packages.add(package)
            if package not in runtime | IN_THE_BASE:
                yield f"Dockerfile: the runtime lacks {package}, whose {library} the binary asks for"
    for package in sorted(runtime - packages - NO_LIBRARY):
        yield f"Dockerfile: the runtime has {package}, of which the binary asks for nothing"


def check_materials(stages, checkouts):
    """The faults of the list of what is inside, made from what a build left behind here."""
    swift = pathlib.Path(shutil.which("swift")).resolve()
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [sys.executable, ROOT / ".ci/image/sbom.py", "--resolved", ROOT / "Package.resolved",
             "--checkouts", checkouts, "--out", folder,
             "--swift-license", swift.parent.parent / "share/swift/LICENSE.txt",
             "--debian", *sorted(runtime_packages(stages) - NO_LIBRARY)], capture_output=True, text=True)
        if made.returncode != 0:
            yield made.stderr.strip()
            return
        names = {c["name"] for c in json.loads((pathlib.Path(folder) / "sbom.cdx.json").read_text())["components"]}
        for name in sorted({"libglpk40", "swift-nio", "swift-runtime"} - names):
            yield f"sbom: {name} is not listed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="a built tonari")
    parser.add_argument("--checkouts", default=ROOT / ".build/checkouts", help="where SwiftPM has the packages' sources")
    parser.add_argument("--libraries", action="store_true", help="print the libraries' packages of the runtime, and end")
    arguments = parser.parse_args()
    stages = dockerfile.stages((ROOT / "Dockerfile").read_text())
    if arguments.libraries:
        print("\n".join(sorted(runtime_packages(stages) - NO_LIBRARY)))
        return
    faults = [*check_stages(stages), *check_packages(stages, (ROOT / "Makefile").read_text()), *check_context(stages)]
    if arguments.binary:
        faults += check_libraries(stages, {name: owner(name) for name in needed_libraries(arguments.binary)})
        faults += check_materials(stages, arguments.checkouts)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print("image: the context, the bases and the packages are in order")


if __name__ == "__main__":
    main()
