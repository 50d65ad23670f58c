#!/bin/sh
# Fuzzes the traffic importers with libFuzzer and the address sanitizer, starting from the fixtures.
# Options go to libFuzzer: Tests/Fuzz/fuzz.sh -runs=1000000
set -eu
cd "$(dirname "$0")/../.."
build=.build/fuzz

swift build -c release --scratch-path "$build" --target Traffic -Xswiftc -sanitize=fuzzer,address
swiftc -O -parse-as-library -sanitize=fuzzer,address -I "$build/release/Modules" \
  Tests/Fuzz/TrafficFuzz.swift "$build"/release/Traffic.build/*.o "$build"/release/Topology.build/*.o \
  -o "$build/traffic-fuzz"

# Two bytes go before each fixture: 0 to recognize its format, 255 for the size of chunks.
mkdir -p "$build/fixtures" "$build/corpus"
for file in Tests/TrafficTests/Fixtures/*; do
  { printf '\000\377'; cat "$file"; } > "$build/fixtures/$(basename "$file")"
done
"$build/traffic-fuzz" -max_len=40000 -timeout=10 -artifact_prefix="$build/" "$@" "$build/corpus" "$build/fixtures"
