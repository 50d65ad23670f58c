"""The checks of the image find what they are for."""
import json
import pathlib
import tempfile
import unittest

import check
import dockerfile
import sbom

GOOD = """
ARG BASE=debian:bookworm-slim@sha256:{digest}
FROM ${{BASE}} AS runtime
RUN apt-get update && apt-get install -y --no-install-recommends \\
    libglpk40 tzdata \\
  && rm -rf /var/lib/apt/lists/*
FROM ${{BASE}} AS build
# A comment
RUN apt-get install -y libglpk-dev
COPY Package.swift ./
COPY Sources Sources
COPY --from=runtime /a /b
FROM runtime
USER 65532:65532
""".format(digest="0" * 64)


class Stages(unittest.TestCase):
    def test_a_dockerfile_is_read_with_its_arguments_and_continued_lines(self):
        runtime, build, last = dockerfile.stages(GOOD)
        self.assertEqual(runtime.installed(), {"libglpk40", "tzdata"})
        self.assertEqual(build.copied(), ["Package.swift", "Sources"])
        self.assertEqual(last.base, "runtime")
        self.assertEqual(list(check.check_stages([runtime, build, last])), [])

    def test_a_base_without_a_digest_is_a_fault(self):
        faults = list(check.check_stages(dockerfile.stages(GOOD.replace("@sha256:" + "0" * 64, ""))))
        self.assertEqual(len(faults), 2)
        self.assertIn("debian:bookworm-slim", faults[0])

    def test_root_is_a_fault(self):
        for user in ["", "USER root\n", "USER 0:0\n"]:
            text = GOOD.replace("USER 65532:65532\n", user)
            self.assertEqual(len(list(check.check_stages(dockerfile.stages(text)))), 1, user)

    def test_tests_and_benchmarks_are_not_copied(self):
        for source in ["Tests", "benchmarks/Extender", "."]:
            text = GOOD.replace("COPY Sources Sources", f"COPY {source} here")
            self.assertEqual(len(list(check.check_stages(dockerfile.stages(text)))), 1, source)

    def test_packages_of_the_makefile_are_those_of_the_build(self):
        stages = dockerfile.stages(GOOD)
        self.assertEqual(list(check.check_packages(stages, "PACKAGES := libglpk-dev\n")), [])
        self.assertIn("zlib1g-dev", list(check.check_packages(stages, "PACKAGES := libglpk-dev zlib1g-dev\n"))[0])

    def test_libraries_and_packages_are_compared_both_ways(self):
        stages = dockerfile.stages(GOOD)
        good = {"libc.so.6": "libc6", "libglpk.so.40": "libglpk40"}
        self.assertEqual(list(check.check_libraries(stages, good)), [])
        self.assertIn("lacks libcurl4", list(check.check_libraries(stages, {**good, "libcurl.so.4": "libcurl4"}))[0])
        self.assertIn("has libglpk40", list(check.check_libraries(stages, {"libc.so.6": "libc6"}))[0])
        self.assertIn("libswiftCore.so", list(check.check_libraries(stages, {**good, "libswiftCore.so": None}))[0])


class Contexts(unittest.TestCase):
    def test_the_last_pattern_that_holds_decides(self):
        ignore = dockerfile.Ignore("# all\n*\n!Sources\n!.ci/image/sbom.py\n**/*.o\n")
        for path, out in [
            ("README.md", True), ("Sources/A/a.swift", False), ("Sources/A/a.o", True), (".ci/run", True),
            (".ci/image/sbom.py", False), ("Tests/Sources/x", True),
        ]:
            self.assertEqual(ignore.leaves_out(path), out, path)

    def test_a_source_that_is_ignored_is_a_fault(self):
        with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as target:
            root, target = pathlib.Path(root), pathlib.Path(target)
            (root / "A").mkdir()
            (root / "A" / "a").write_text("a")
            self.assertEqual(dockerfile.build_context(root, dockerfile.Ignore(""), ["A"], target), 1)
            self.assertEqual((target / "A" / "a").read_text(), "a")
            with self.assertRaisesRegex(ValueError, "COPY A"):
                dockerfile.build_context(root, dockerfile.Ignore("A"), ["A"], target)

    def test_a_package_that_lacks_something_is_a_fault(self):
        package = {
            "products": [{"name": "tonari"}],
            "targets": [
                {"name": "tonari", "path": "Sources/tonari", "target_dependencies": ["Topology"]},
                {"name": "Topology", "path": "Sources/Topology"},
            ],
        }
        self.assertEqual(list(check.check_description(package)), [])
        lacking = {**package, "targets": package["targets"][:1]}
        self.assertIn("needs Topology", list(check.check_description(lacking))[0])
        tested = {**package, "targets": [*package["targets"], {"name": "TopologyTests", "path": "Tests/TopologyTests"}]}
        self.assertIn("TopologyTests", list(check.check_description(tested))[0])
        self.assertIn("no product", list(check.check_description({**package, "products": []}))[0])


class Materials(unittest.TestCase):
    def lay(self, root, license_text):
        (root / "checkouts" / "swift-log").mkdir(parents=True)
        (root / "checkouts" / "swift-log" / "LICENSE.txt").write_text(license_text)
        (root / "Package.resolved").write_text(json.dumps({"pins": [{
            "identity": "swift-log", "location": "https://github.com/apple/swift-log.git",
            "state": {"version": "1.6.0", "revision": "0" * 40}}]}))
        return root / "Package.resolved", root / "checkouts"

    def test_a_swift_package_is_named_with_its_licence(self):
        with tempfile.TemporaryDirectory() as root:
            files = self.lay(pathlib.Path(root), "Apache License\n   Version 2.0, January 2004")
            (component, texts), = sbom.swift_packages(*files)
            self.assertEqual(component["purl"], "pkg:swift/github.com/apple/swift-log@1.6.0")
            self.assertEqual(component["licenses"], [{"license": {"id": "Apache-2.0"}}])
            self.assertEqual([str(relative) for relative, _ in texts], ["LICENSE.txt"])

    def test_a_licence_that_nobody_has_looked_at_is_an_error(self):
        with tempfile.TemporaryDirectory() as root:
            files = self.lay(pathlib.Path(root), "All rights reserved.")
            with self.assertRaisesRegex(sbom.Unknown, "swift-log"):
                list(sbom.swift_packages(*files))

    def test_debian_packages_are_named_with_their_source(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "status").write_text(
                "Package: libglpk40\nStatus: install ok installed\nArchitecture: amd64\nSource: glpk (5.0-1)\n"
                "Version: 5.0-1+b1\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n")
            (root / "libglpk40").mkdir()
            (root / "libglpk40" / "copyright").write_text("Files: *\nLicense: GPL-3+\n text\n")
            (component, _), = sbom.debian_packages(root / "status", root)
            self.assertEqual(component["licenses"], [{"license": {"name": "GPL-3+"}}])
            self.assertEqual([p["value"] for p in component["properties"]], ["glpk", "5.0-1"])
            with self.assertRaisesRegex(sbom.Unknown, "gone"):
                list(sbom.debian_packages(root / "status", root, ["gone"]))


if __name__ == "__main__":
    unittest.main()
