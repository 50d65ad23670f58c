#!/usr/bin/env python3
"""Requests that are reset, tried again or time out while the picker is ended and started again: none stays in flight.

Usage: counts.py [REQUESTS [PHASES]], by default a million in 10. Wants `swift build -c release --product tonari` and
cc; run it with the Python of benchmarks/setup.sh. In each phase the picker gets SIGTERM or SIGKILL half way and is
started again; after it, the selector's counts must be zero, and no pick may have been given up as expired. Exits with 1
where that does not hold.
"""

import signal
import sys
import time

import configuration
import testbed

WITHIN = 5


def counts(selector):
    """The selector's metrics that say how much is in flight, and picks that were given up."""
    return {
        name: value for name, value in selector.metrics().items()
        if name.startswith(("tonari_selector_in_flight{", "tonari_selector_open_picks{"))
        or 'outcome="expired"' in name}


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    phases = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    totals = {}
    with testbed.Testbed() as bed:
        replicas = testbed.Replicas(bed, [testbed.Kind(2, pause="3s:0.2s")] * 12)
        for index in range(12):
            replicas.state(index, "fail=0.03")
        selector = testbed.Selector(bed, replicas)
        text = configuration.envoy(
            "picker", replicas.addresses(), timeout="0.15s", picker=selector.socket, retries=True)
        envoy = testbed.Envoy(bed, "picker", text)
        start = time.monotonic()
        for phase in range(phases):
            process = bed.start_load(
                envoy.ports, closed=64, requests=requests // phases, warmup=0, timeout="5s", resets=0.1,
                reset_within="4ms", seed=phase)
            half = sum(replicas.state(index)["requests"] for index in range(12)) + requests // phases // 2

            def half_way():
                return process.poll() is not None or half <= sum(
                    replicas.state(index)["requests"] for index in range(12))

            testbed.wait_until(half_way, "load: half of a phase", 600)
            how = signal.SIGTERM if phase % 2 else signal.SIGKILL
            selector.end(how)
            selector.restart()
            result = testbed.results(process)
            for name in ["requests", "ok", "resets", "timeouts", "closed early", "failed connects"]:
                totals[name] = totals.get(name, 0) + result[name]
            for status, count in result["statuses"].items():
                totals[status] = totals.get(status, 0) + count
            picks = check(selector, phase)
            print(f"phase {phase + 1}: {how.name}, {picks:.0f} picks of the new picker, nothing in flight", flush=True)
        took = time.monotonic() - start
        retries, late = envoy.total("cluster.cart-0.upstream_rq_retry$"), envoy.total("upstream_rq_timeout$")
        streams, alone = envoy.total("cluster.picker.upstream_rq_active$"), envoy.went_on_without_picker()
    statuses = ", ".join(f"{count} with {status}" for status, count in sorted(totals.items()) if status.isdigit())
    lost = {name: totals[name] for name in ["timeouts", "closed early", "failed connects"]}
    print(
        f"\n{totals['requests']} requests in {took:.0f} s: {statuses}, {totals['resets']} reset by the client; "
        f"{retries} tried again, {late} timed out in Envoy, which went on without the picker {alone} times.")
    if streams or any(lost.values()):
        raise SystemExit(f"{streams} streams to the picker are left; requests that got no answer: {lost}")


def check(selector, phase):
    """Waits until the counts are zero, and answers the picks of this picker."""
    end = time.monotonic() + WITHIN
    while any(counts(selector).values()) and time.monotonic() < end:
        time.sleep(0.1)
    found = counts(selector)
    if not found or any(found.values()):
        raise SystemExit(f"phase {phase + 1}: {WITHIN} s after the last request: {found}")
    picks = sum(value for name, value in selector.metrics().items() if name.startswith("tonari_selector_picks_total"))
    if not picks:
        raise SystemExit(f"phase {phase + 1}: the picker was not asked after it was started again")
    return picks


if __name__ == "__main__":
    main()
