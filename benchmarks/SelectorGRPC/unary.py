#!/usr/bin/env python3
"""Unary picks by gRPC, beside an empty method of grpc-swift-2 and one of grpcio, in turns.

Usage: unary.py [ROUNDS [SECONDS]]. Wants `TONARI_BENCHMARKS=1 swift build -c release --product selector-grpc-benchmark` and h2load, which
asks. Run it with the Python of benchmarks/setup.sh. Ratios are those of the medians of the rounds.
"""

import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SERVICE = b"default/checkout"
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

    def __init__(self, name, command):
        self.name = name
        self.rounds = {}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.isdigit():
            raise SystemExit(f"{name} does not listen")
        self.url = f"http://127.0.0.1:{line}/tonari.selector.v1.ReplicaSelector/Pick"

    def measure(self, body, connections, streams, seconds):
        before = processor_seconds(self.process.pid)
        output = subprocess.run(
            ["h2load", self.url, "-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers", "-t", "1",
             "-c", str(connections), "-m", str(streams), "-D", str(seconds)],
            check=True, capture_output=True, text=True).stdout
        used = processor_seconds(self.process.pid) - before
        done, failed = (
            int(re.search(rf"(\d+) {word}", output).group(1)) for word in ["succeeded", "failed"])
        if failed or not done:
            raise SystemExit(f"{self.name}: {failed} requests failed\n{output}")
        mean = re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", output).group(1)
        return {"rate": done / seconds, "per core": done / used, "mean": mean}

    def end(self):
        self.process.kill()
        self.process.wait()


def median(server, shape, figure):
    return statistics.median(measured[figure] for measured in server.rounds[shape])


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    program = ROOT / ".build" / "release" / "selector-grpc-benchmark"
    commands = {
        "empty, grpc-swift-2": [program, "empty", "0"],
        "tonari": [program, "tonari", str(REPLICAS)],
        "empty, grpcio": [sys.executable, HERE / "grpc_server.py"],
    }
    servers = []
    shapes = [(1, 1), (1, 32), (8, 32)]
    try:
        for name, command in commands.items():
            servers.append(Server(name, command))
        with tempfile.NamedTemporaryFile() as body:
            # Field 1, the service, in a message in a frame.
            message = b"\x0a" + bytes([len(SERVICE)]) + SERVICE
            body.write(b"\0" + struct.pack(">I", len(message)) + message)
            body.flush()
            for shape in shapes:
                for server in servers:
                    server.measure(body.name, *shape, 1)
                for _ in range(rounds):
                    for server in servers:
                        measured = server.measure(body.name, *shape, seconds)
                        server.rounds.setdefault(shape, []).append(measured)
    finally:
        for server in servers:
            server.end()

    empty = servers[0]
    print(f"one service of {REPLICAS} replicas; {rounds} rounds of {seconds} s, medians\n")
    print("| connections × streams | server | picks/s | of the empty method | picks per second of a processor | of it |")
    print("|---|---|---|---|---|---|")
    for shape in shapes:
        for server in servers:
            cells = []
            for figure in ["rate", "per core"]:
                value = median(server, shape, figure)
                cells += [f"{value:,.0f}", f"{value / median(empty, shape, figure):.2f}"]
            print(f"| {shape[0]} × {shape[1]} | {server.name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
