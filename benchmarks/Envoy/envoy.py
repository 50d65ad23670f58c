#!/usr/bin/env python3
"""Envoy with the picker, beside Envoy's own policies and HAProxy's leastconn, in turns.

Wants `swift build -c release --product tonari`, cc and haproxy; run it with the Python of benchmarks/setup.sh. Each
client has a sidecar, which knows of its own requests alone. Ratios are those of the medians of the rounds.
"""

import argparse
import os
import statistics
import time

import configuration
import testbed

WARMUP = 3
LOADS = [0.7, 0.9, 1.05]
NAMES = ["picker", "least request", "round robin", "weighted round robin", "haproxy leastconn"]
TIMEOUT = "1s"


class Measured:
    """What a balancer did at a load, round by round."""

    def __init__(self):
        self.rounds = []

    def median(self, figure):
        return statistics.median(result[figure] for result in self.rounds)

    def span(self, figure, form):
        values = [result[figure] for result in self.rounds]
        return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def balancer(bed, name, replicas, clients):
    if name == "haproxy leastconn":
        return testbed.HAProxy(bed, name, replicas, clients, TIMEOUT)
    socket = testbed.Selector(bed, replicas).socket if name == "picker" else None
    text = configuration.envoy(name, replicas.addresses(), clients, TIMEOUT, socket)
    return testbed.Envoy(bed, name, text)


def measure(bed, replicas, ports, rate, seconds, seed):
    """A result of the load, with the share of all processors that was used meanwhile."""
    before, start = bed.processor_seconds(), time.monotonic()
    result = bed.load(ports, rate=rate, seconds=seconds, warmup=WARMUP, timeout="5s", seed=seed)
    result["busy"] = (bed.processor_seconds() - before) / (time.monotonic() - start) / os.cpu_count()
    result["errors"] = 1 - result["ok"] / result["requests"]
    replicas.wait_until_idle()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement, after a warm-up")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--service", default="lognormal,deviation=0.5", help="how service times vary: see replica.c")
    parser.add_argument("--mean", type=float, default=40, help="milliseconds that the faster replicas serve a request")
    parser.add_argument("--only", default=",".join(NAMES), help="what to measure; ratios are to the first")
    options = parser.parse_args()
    names = options.only.split(",")
    with testbed.Testbed() as bed:
        replicas = testbed.Replicas(bed, testbed.fleet(options.mean, options.service))
        balancers = {name: balancer(bed, name, replicas, options.clients) for name in names}
        measured = {(name, load): Measured() for name in names for load in LOADS}
        # Weighted round robin uses its weights after 10 s.
        for each in balancers.values():
            bed.load(each.ports, rate=0.5 * replicas.capacity, seconds=12, warmup=0)
        for turn in range(options.rounds):
            for load in LOADS:
                for name, each in balancers.items():
                    rate = load * replicas.capacity
                    result = measure(bed, replicas, each.ports, rate, options.seconds, 1000 * turn + int(100 * load))
                    measured[name, load].rounds.append(result)
        alone = balancers["picker"].went_on_without_picker() if "picker" in names else 0
        print(
            f"12 replicas that serve {replicas.capacity:.0f} requests/s, {options.service} service times, "
            f"{options.clients} clients; {options.rounds} rounds of {options.seconds:g} s, medians (lowest to highest)")
        for load in LOADS:
            show(load, {name: measured[name, load] for name in names})
        print(f"\nEnvoy went on without the picker {alone} times.")


def show(load, measured):
    """Prints a table for a load."""
    baseline = next(iter(measured.values()))
    first = next(iter(measured))
    print(
        f"\n| at {load:.0%} of capacity | p50 | p99 | of the {first}'s p99 | errors | processors busy |\n"
        "|---|---|---|---|---|---|")
    for name, figures in measured.items():
        print(
            f"| {name} | {figures.median('p50'):.0f} ms | {figures.span('p99', '{:.0f}')} ms "
            f"| {figures.median('p99') / baseline.median('p99'):.2f} | {figures.span('errors', '{:.2%}')} "
            f"| {figures.median('busy'):.0%} |")


if __name__ == "__main__":
    main()
