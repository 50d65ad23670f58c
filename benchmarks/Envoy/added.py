#!/usr/bin/env python3
"""What the picker adds to a request: Envoy with it, beside the same Envoy with a local policy, in turns.

Usage: added.py [ROUNDS [SECONDS]]. Wants `swift build -c release --product tonari` and cc; run it with the Python of
benchmarks/setup.sh. The replicas answer at once. The bare picker answers as the selector does without knowing anything,
so that it shows what Envoy's part is. Ratios and differences are those of the medians of the rounds.
"""

import statistics
import sys

import configuration
import testbed

SHAPES = [
    ("one at a time", {"closed": 1}), ("500 requests/s", {"rate": 500}), ("2000 requests/s", {"rate": 2000}),
    ("16 at a time", {"closed": 16}),
]


class Sidecar:
    """An Envoy, with the picker that it asks, if it does."""

    def __init__(self, bed, name, replicas, picker=None):
        policy = "picker" if picker else name
        text = configuration.envoy(policy, replicas.addresses(), picker=picker and picker.socket)
        self.bed = bed
        self.envoy = testbed.Envoy(bed, name, text)
        self.picker = picker

    def processor_seconds(self):
        return self.envoy.processor_seconds(), self.picker.processor_seconds() if self.picker else 0

    def measure(self, seconds, shape):
        """Latencies in microseconds, and processor time per request in microseconds."""
        self.bed.load(self.envoy.ports, seconds=0.5, warmup=0, **shape)
        before = self.processor_seconds()
        result = self.bed.load(self.envoy.ports, seconds=seconds, warmup=0, **shape)
        after = self.processor_seconds()
        if result["ok"] != result["requests"]:
            raise SystemExit(f"{self.envoy.name}: {result['requests'] - result['ok']} requests failed: {result}")
        of_envoy, of_picker = ((new - old) / result["requests"] * 1e6 for new, old in zip(after, before))
        return {
            "p50": result["p50"] * 1e3, "p99": result["p99"] * 1e3, "rate": result["requests"] / result["seconds"],
            "envoy": of_envoy, "picker": of_picker}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3
    with testbed.Testbed() as bed:
        replicas = testbed.Replicas(bed, [testbed.Kind(0)] * 12)
        sidecars = {
            "least request": Sidecar(bed, "least request", replicas),
            "bare picker": Sidecar(bed, "bare picker", replicas, testbed.BarePicker(bed, replicas)),
            "tonari": Sidecar(bed, "tonari", replicas, testbed.Selector(bed, replicas)),
        }
        figures = {}
        for _ in range(rounds):
            for shape, options in SHAPES:
                for name, sidecar in sidecars.items():
                    figures.setdefault((shape, name), []).append(sidecar.measure(seconds, options))
        alone = sidecars["tonari"].envoy.went_on_without_picker()
    print(f"12 replicas that answer at once; {rounds} rounds of {seconds:g} s, medians (lowest to highest)\n")
    print(
        "| load | picks | p50 | added | p99 | requests/s | Envoy's processor time a request | the picker's "
        "| of Envoy's |\n|---|---|---|---|---|---|---|---|---|")
    for shape, _ in SHAPES:
        local = statistics.median(result["p50"] for result in figures[shape, "least request"])
        for name in sidecars:
            show(shape, name, figures[shape, name], local)
    print(f"\nEnvoy went on without the picker {alone} times.")


def show(shape, name, results, local):
    """Prints a row."""
    median = {figure: statistics.median(result[figure] for result in results) for figure in results[0]}
    times = [result["p50"] for result in results]
    row = [
        shape, name, f"{median['p50']:.0f} µs ({min(times):.0f} to {max(times):.0f})", "", f"{median['p99']:.0f} µs",
        f"{median['rate']:.0f}", f"{median['envoy']:.0f} µs", "", ""]
    if median["picker"]:
        row[3] = f"{median['p50'] - local:.0f} µs"
        row[7:] = [f"{median['picker']:.0f} µs", f"{median['picker'] / median['envoy']:.2f}"]
    print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
