#!/bin/sh
# Fuzzes the reader of cluster files with libFuzzer and the address sanitizer, starting from the bundled examples.
# Options go to libFuzzer: Tests/Fuzz/manifests.sh -runs=1000000
set -eu
cd "$(dirname "$0")/../.."
build=.build/fuzz

swift build -c release --scratch-path "$build" --target Kubernetes \
  -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address,fuzzer-no-link
# libyaml is a C target of Yams: its module map is not in the folder of modules.
swiftc -O -parse-as-library -sanitize=fuzzer,address -I "$build/release/Modules" \
  -Xcc -fmodule-map-file="$build/checkouts/Yams/Sources/CYaml/include/module.modulemap" \
  Tests/Fuzz/ManifestFuzz.swift \
  "$build"/release/Kubernetes.build/*.o "$build"/release/Topology.build/*.o "$build"/release/CYaml.build/src/*.o \
  -o "$build/manifest-fuzz"

mkdir -p "$build/manifests" "$build/manifest-corpus"
find manifests -name '*.yaml' -o -name '*.json' | while read -r file; do
  cp "$file" "$build/manifests/$(echo "$file" | tr / _)"
done
"$build/manifest-fuzz" -max_len=40000 -timeout=10 -artifact_prefix="$build/" "$@" \
  "$build/manifest-corpus" "$build/manifests"
