#!/usr/bin/env python3
"""Framed picks over a Unix socket, beside an echo in C of the same bytes by the same client, in turns.

Usage: framed.py [ROUNDS [SECONDS]]. Wants `swift build -c release --product selector-benchmark` and cc. Each pick is
completed. Ratios are those of the medians of the rounds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
REPLICAS = 100


def processor_seconds(pid):
    """What the threads of a process used of the processors so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total * 1e-9


class Server:
    """A server's process, and what was measured with it."""

    def __init__(self, name, command, address):
        self.name = name
        self.address = address
        self.rounds = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "listening":
            raise SystemExit(f"{name} does not listen")

    def measure(self, client, window, seconds):
        before = processor_seconds(self.process.pid)
        output = subprocess.run(
            [client, self.address, str(window), str(seconds)], check=True, capture_output=True, text=True).stdout.split()
        used = processor_seconds(self.process.pid) - before
        picks, took = int(output[0]), float(output[1])
        return {"rate": picks / took, "per core": picks / used, "times": [float(value) for value in output[2:]]}

    def end(self):
        self.process.terminate()
        self.process.wait()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    work = tempfile.mkdtemp(prefix="tonari-")
    client, echo = os.path.join(work, "client"), os.path.join(work, "echo")
    headers = os.path.join(ROOT, "Sources", "CTonariClient", "include")
    subprocess.run(["cc", "-O2", "-I", headers, os.path.join(HERE, "client.c"), "-o", client], check=True)
    subprocess.run(["cc", "-O2", os.path.join(HERE, "echo.c"), "-o", echo], check=True)
    program = os.path.join(ROOT, ".build", "release", "selector-benchmark")
    servers = []
    for name, command in [
        ("echo", [echo, os.path.join(work, "echo.sock")]),
        ("tonari", [program, "unix:" + os.path.join(work, "tonari.sock"), str(REPLICAS), "tonari"]),
        ("random", [program, "unix:" + os.path.join(work, "random.sock"), str(REPLICAS), "random"]),
    ]:
        address = "unix:" + os.path.join(work, name + ".sock")
        servers.append(Server(name, command, address))
    try:
        for server in servers:
            server.measure(client, 64, 0.3)
        print(f"one service of {REPLICAS} replicas; {rounds} rounds of {seconds:g} s, medians; (lowest to highest)\n")
        print("| one at a time | median round trip | 99th percentile | of the echo's median |\n|---|---|---|---|")
        compare(servers, client, 1, rounds, seconds)
        for window in [16, 64, 256]:
            print(f"\n| {window} under way | picks/s | of the echo | picks per second of a processor |\n|---|---|---|---|")
            compare(servers, client, window, rounds, seconds)
    finally:
        for server in servers:
            server.end()
        subprocess.run(["rm", "-r", work], check=True)


def compare(servers, client, window, rounds, seconds):
    """Measures servers in turns and prints a row for each."""
    results = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            results[server.name].append(server.measure(client, window, seconds))
            time.sleep(0.02)
    baseline = None
    for server in servers:
        figures = results[server.name]
        if window == 1:
            medians = [figure["times"][0] for figure in figures]
            median = statistics.median(medians)
            baseline = baseline or median
            high = statistics.median(figure["times"][1] for figure in figures)
            print(
                f"| {server.name} | {median:.1f} µs ({min(medians):.1f} to {max(medians):.1f}) | {high:.1f} µs "
                f"| {median / baseline:.2f} |")
        else:
            rates = [figure["rate"] for figure in figures]
            rate = statistics.median(rates)
            baseline = baseline or rate
            core = statistics.median(figure["per core"] for figure in figures)
            print(
                f"| {server.name} | {rate / 1e6:.2f} M ({min(rates) / 1e6:.2f} to {max(rates) / 1e6:.2f}) "
                f"| {rate / baseline:.2f} | {core / 1e6:.2f} M |")


if __name__ == "__main__":
    main()
