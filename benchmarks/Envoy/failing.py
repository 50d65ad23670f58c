#!/usr/bin/env python3
"""Two of twelve replicas answer 500 at once from some moment on: what fails, second by second.

Usage: failing.py [ROUNDS]. Wants `swift build -c release --product tonari`, cc and haproxy; run it with the Python of
benchmarks/setup.sh. Nobody tries again, and nobody but the picker knows which replicas fail. The selector starts anew
for each round. The target: fewer than 1 % fail after the first second.
"""

import statistics
import sys
import time

import configuration
import testbed

WARMUP, BEFORE, AFTER = 3, 2, 8
FAILING = [2, 3]


def measure(bed, replicas, ports, rate, seed):
    """The share of requests that failed, in each second from the one in which the replicas began to fail."""
    process = bed.start_load(ports, rate=rate, seconds=BEFORE + AFTER, warmup=WARMUP, timeout="5s", seed=seed)
    # Not in the second before, however long the load takes to start.
    time.sleep(WARMUP + BEFORE + 0.05)
    for index in FAILING:
        replicas.state(index, "fail=1")
    seconds = testbed.results(process)["each second"]
    for index in FAILING:
        replicas.state(index, "fail=0")
    replicas.wait_until_idle()
    if any(failed for _, failed in seconds[:BEFORE - 1]):
        raise SystemExit(f"requests failed before replicas did: {seconds}")
    return [failed / max(1, answered + failed) for answered, failed in seconds[BEFORE:]]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with testbed.Testbed() as bed:
        replicas = testbed.Replicas(bed, [testbed.Kind(20)] * 12)
        selector = testbed.Selector(bed, replicas)
        balancers = {
            "picker": testbed.Envoy(
                bed, "picker", configuration.envoy("picker", replicas.addresses(), picker=selector.socket)),
            "least request": testbed.Envoy(
                bed, "least request", configuration.envoy("least request", replicas.addresses())),
            "haproxy leastconn": testbed.HAProxy(bed, "haproxy leastconn", replicas, 1, "5s"),
        }
        shares = {name: [] for name in balancers}
        rate = 0.4 * replicas.capacity
        for turn in range(rounds):
            selector.end()
            selector.restart()
            for name, each in balancers.items():
                shares[name].append(measure(bed, replicas, each.ports, rate, turn))
        alone = balancers["picker"].went_on_without_picker()
    print(
        f"12 replicas, 2 of which answer 500 at once; {rate:.0f} requests/s, 40 % of capacity; {rounds} rounds, "
        "medians (highest)\n")
    print(f"| failed in second | {' | '.join(str(second + 1) for second in range(AFTER))} |")
    print("|---" * (AFTER + 1) + "|")
    for name, rows in shares.items():
        cells = [f"{statistics.median(column):.2%} ({max(column):.2%})" for column in zip(*rows)]
        print(f"| {name} | {' | '.join(cells)} |")
    worst = max(statistics.fmean(row[1:]) for row in shares["picker"])
    print(
        f"\nAfter the first second {worst:.2%} failed with the picker in the worst round; "
        f"Envoy went on without it {alone} times.")


if __name__ == "__main__":
    main()
