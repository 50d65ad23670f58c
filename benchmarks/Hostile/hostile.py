#!/usr/bin/env python3
"""What an innocent client sees while hostile peers attack.

Usage: hostile.py [--tonari FILE] [--scale SHARE] [--seconds SECONDS] [--json] [--check] [ATTACK...]

Starts a daemon as a process for each attack, measures an innocent client before, during and after it, and the daemon's
memory. Beside it runs a second daemon that nobody attacks, with innocent clients of its own: what those see is the machine's
doing. Attackers are there in full, but get the processor last (nice 19), as they usually are on machines of their own.

Without names, all attacks; `sigterm` and `sigterm_bodies` end daemons that are at work. `--list` names them. `--check` says
which innocent client's p99 was more than twice that of before, and than that of the one beside, and ends with status 1 then.
It leaves out `metrics`, which have more to tell of more services, and descriptors_flood, where attacker and innocent client
are one user, who has all descriptors that there are.
"""

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import attacks
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")

# Which daemon, which innocent clients, and how the daemon is started.
CASES = {
    "half_bodies": ("extender", ["extender", "probe"], {}),
    "half_heads": ("extender", ["extender", "probe"], {}),
    "watches": ("selector", ["framed", "probe"], {"services": 2000}),
    "grpc_watches": ("selector", ["framed", "grpc", "probe"], {"services": 2000}),
    "picker_streams": ("selector", ["picker", "framed"], {}),
    "picker_window": ("selector", ["picker", "framed"], {}),
    "picker_resets": ("selector", ["picker", "framed"], {}),
    "grpc_resets": ("selector", ["grpc", "framed"], {}),
    "picker_continuations": ("selector", ["picker", "framed"], {}),
    "grpc_continuations": ("selector", ["grpc", "framed"], {}),
    "picker_pings": ("selector", ["picker", "framed"], {}),
    "grpc_pings": ("selector", ["grpc", "framed"], {}),
    "idle": ("selector", ["framed", "grpc"], {}),
    "half_frames": ("selector", ["framed", "grpc"], {}),
    "descriptors_flood": ("selector", ["framed", "probe"], {"descriptors": 256}),
    "abandoned": ("selector", ["framed"], {}),
    "names": ("selector", ["framed", "metrics"], {}),
    "renewed": ("selector", ["framed", "grpc"], {}),
    "port_names": ("selector", ["framed", "numbered"], {"overflows": True}),
}


def free_port():
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        return peer.getsockname()[1]


class Daemon:
    """A `tonari` process."""

    def __init__(self, tonari, kind, folder, services=0, descriptors=None, overflows=False):
        self.folder = folder
        http = free_port()
        self.addresses = {"http": f"127.0.0.1:{http}"}
        if kind == "selector":
            self.addresses = {
                "framed": f"unix:{folder}/framed.sock", "grpc": f"127.0.0.1:{free_port()}",
                "picker": f"127.0.0.1:{free_port()}", "http": f"127.0.0.1:{http}"}
            with open(f"{folder}/replicas.yaml", "w") as file:
                file.write("services:\n")
                for name in ["shop/cart"] + [f"shop/service-{number}" for number in range(services)]:
                    file.write(f"- name: {name}\n  replicas:\n")
                    for number in range(4):
                        file.write(f"  - {{address: \"10.0.0.{number + 1}:80\"}}\n")
            command = [
                "selector", "--framed", self.addresses["framed"], "--grpc", self.addresses["grpc"], "--picker",
                self.addresses["picker"], "--picker-service", "shop/cart", "--http", self.addresses["http"],
                "--replicas", f"{folder}/replicas.yaml", "--socket-mode", "0666", "--log-level", "error"]
            if overflows:
                with open(f"{folder}/overflow.yaml", "w") as file:
                    file.write("apiVersion: tonari.dev/v1alpha1\nkind: OverflowPolicy\n"
                               "metadata: {name: cart, namespace: shop}\nspec:\n  service: cart\n  mode: perRequest\n"
                               "  capacity: {perMinute: 100000000}\n  neighbours: [{name: edge-b, host: edge-b}]\n")
                command += ["--cluster-name", "edge-a", "--overflow", f"{folder}/overflow.yaml"]
            help_text = subprocess.run([tonari, "selector", "--help"], capture_output=True, text=True).stdout
            if "--allow " in help_text:
                # What an attacker on this machine may at most be allowed.
                for capability in ["register", "report", "exchange", "watch"]:
                    command += ["--allow", f"{capability}=local"]
        else:
            port = free_port()
            self.addresses = {"extender": f"127.0.0.1:{port}", "http": f"127.0.0.1:{http}"}
            with open(f"{folder}/plan.yaml", "w") as file:
                file.write("apiVersion: tonari.dev/v1alpha1\nkind: PlacementPlan\nmetadata: {name: p}\nspec:\n"
                           "  placements:\n  - workload: {kind: Deployment, namespace: default, name: cart}\n"
                           "    nodes: [{name: node-1, replicas: 2}]\n")
            command = ["extender", "--plan", f"{folder}/plan.yaml", "--listen", self.addresses["extender"],
                       "--log-level", "error"]
            help_text = subprocess.run([tonari, "extender", "--help"], capture_output=True, text=True).stdout
            if "--http " in help_text:
                command += ["--http", self.addresses["http"]]
            else:
                self.addresses["http"] = self.addresses["extender"]
        limits = None
        if descriptors:
            def limits():
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.log = open(f"{folder}/log", "w")
        self.process = subprocess.Popen(
            [tonari] + command, stdout=self.log, stderr=self.log, preexec_fn=limits)
        os.chmod(folder, 0o755)
        if not wire.until(lambda: self.is_ready(), 60):
            raise SystemExit(f"{kind} is not ready: {open(f'{folder}/log').read()}")

    def is_ready(self):
        try:
            return probe(self.addresses["http"], "/readyz")[0] == 200
        except OSError:
            return False

    def end(self, by=signal.SIGKILL, seconds=200):
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - start


def probe(address, path, timeout=10.0, most=1 << 30):
    peer = wire.connect(address, timeout)
    try:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n".encode())
        data, end = b"", time.monotonic() + timeout
        while len(data) < most:
            if time.monotonic() > end:
                raise TimeoutError("no answer")
            more = peer.recv(1 << 16)
            if not more:
                break
            data += more
        if not data:
            raise ConnectionError("closed")
        return int(data.split(b" ", 2)[1]), data
    finally:
        peer.close()


class Client:
    """An innocent client: asks again and again, on a connection that it makes anew every 20 requests."""

    pause = 0.002

    def __init__(self, address):
        self.address = address
        self.times, self.failures, self.faults = [], 0, {}

    def run(self, seconds):
        end = time.monotonic() + seconds
        count = 0
        while time.monotonic() < end:
            start = time.monotonic()
            try:
                if count % 20 == 0:
                    self.open()
                self.ask()
                count += 1
                self.times.append(time.monotonic() - start)
            except (OSError, ConnectionError, IndexError) as error:
                self.failures += 1
                text = f"{type(error).__name__}: {error}"
                self.faults[text] = self.faults.get(text, 0) + 1
                self.times.append(time.monotonic() - start)
                count = 0
                time.sleep(0.02)
            time.sleep(self.pause)

    def summary(self):
        times = sorted(self.times) or [0]
        return {
            "requests": len(self.times), "failures": self.failures,
            "p50_ms": times[len(times) // 2] * 1e3, "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)] * 1e3,
            "max_ms": times[-1] * 1e3, "faults": self.faults}


class Framed(Client):
    peer = None

    def open(self):
        if self.peer:
            self.peer.close()
        self.peer = wire.connect(self.address)
        self.reader = wire.Reader(self.peer)

    def ask(self):
        self.peer.sendall(wire.frame(wire.pick("shop/cart")))
        answer = dict(wire.fields(self.reader.framed()))
        if 3 not in answer:
            raise ConnectionError(f"refused: {answer}")
        self.peer.sendall(wire.frame(wire.complete(dict(wire.fields(answer[3]))[1])))


class H2(Client):
    connection = None

    def open(self):
        if self.connection:
            self.connection.close()
        self.connection = wire.Connection(self.address)


class GRPC(H2):
    def ask(self):
        self.connection.ask(wire.PICK, wire.text(1, "shop/cart"))


class Picker(H2):
    def ask(self):
        self.connection.ask(wire.PROCESS, wire.text(2, b""), ends=False)


class Numbered(Picker):
    """Asks as Envoy does for a host with a port, and holds that nobody else's replicas are named."""

    def ask(self):
        answer = self.connection.ask(wire.PROCESS, wire.authority("cart.shop:80"), ends=False)
        if b"10.0.0." not in answer or b"10.9.9.9" in answer:
            raise ConnectionError(f"answered {answer[:80]!r}")


class Probe(Client):
    pause, path = 0.05, "/livez"

    def open(self):
        pass

    def ask(self):
        status, _ = probe(self.address, self.path)
        if status != 200:
            raise ConnectionError(f"status {status}")


class Metrics(Probe):
    pause, path = 0.5, "/metrics"


class Extender(Probe):
    pause = 0.01

    def ask(self):
        body = (b'{"NodeNames": ["node-1", "node-2"], "Pod": {"metadata": {"name": "p", "namespace": "default", '
                b'"uid": "u", "annotations": {"tonari.dev/workload": "default/cart"}}}}')
        peer = wire.connect(self.address)
        try:
            peer.sendall(b"POST /scheduler/prioritize HTTP/1.1\r\nHost: e\r\nConnection: close\r\nContent-Length: "
                         + str(len(body)).encode() + b"\r\n\r\n" + body)
            data = b""
            while True:
                more = peer.recv(1 << 16)
                if not more:
                    break
                data += more
            if b" 200 " not in data[:20]:
                raise ConnectionError(f"answered {data[:40]!r}")
        finally:
            peer.close()


CLIENTS = {"framed": (Framed, "framed"), "grpc": (GRPC, "grpc"), "picker": (Picker, "picker"),
           "numbered": (Numbered, "picker"), "probe": (Probe, "http"), "metrics": (Metrics, "http"), "extender": (Extender, "extender")}


def measure(daemon, kinds, seconds):
    """All clients side by side, each in a process of its own."""
    processes = []
    for kind in kinds:
        command = [sys.executable, os.path.abspath(__file__), "--client", kind, "--seconds", str(seconds),
                   "--address", daemon.addresses[CLIENTS[kind][1]]]
        processes.append((kind, subprocess.Popen(command, stdout=subprocess.PIPE, text=True)))
    peak = wire.resident(daemon.process.pid)
    while any(process.poll() is None for _, process in processes):
        if daemon.process.poll() is not None:
            break
        peak = max(peak, wire.resident(daemon.process.pid))
        time.sleep(0.05)
    return {kind: json.loads(process.communicate()[0]) for kind, process in processes}, peak


def measure_both(daemon, control, kinds, seconds):
    """The clients of the daemon that is attacked, and at the same time those of the one that is not."""
    beside = {}
    thread = threading.Thread(target=lambda: beside.update(measure(control, kinds, seconds)[0]))
    thread.start()
    seen, peak = measure(daemon, kinds, seconds)
    thread.join()
    return seen, peak, beside


def attack(tonari, name, scale, seconds):
    kind, clients, how = CASES[name]
    with tempfile.TemporaryDirectory(prefix="tonari-") as folder, tempfile.TemporaryDirectory(prefix="tonari-") as beside:
        daemon, control = None, None
        try:
            daemon = Daemon(tonari, kind, folder, **how)
            control = Daemon(tonari, kind, beside, **how)
            before, _, _ = measure_both(daemon, control, clients, seconds)
            resident, used, start = wire.resident(daemon.process.pid), wire.processor_seconds(daemon.process.pid), time.monotonic()
            command = [sys.executable, os.path.join(HERE, "attacks.py"), name, str(scale)]
            command += [f"{key}={value}" for key, value in daemon.addresses.items()]
            attacker = subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(19))
            try:
                peak = resident
                ready = threading.Thread(target=attacker.stdout.readline)
                ready.start()
                while ready.is_alive() and time.monotonic() < start + 900 and daemon.process.poll() is None:
                    peak = max(peak, wire.resident(daemon.process.pid))
                    ready.join(0.05)
                under_way = time.monotonic() - start
                during, seen, calm = measure_both(daemon, control, clients, seconds)
                load = 0.0
                if daemon.process.poll() is None:
                    load = (wire.processor_seconds(daemon.process.pid) - used) / (time.monotonic() - start)
            finally:
                attacker.kill()
                attacker.wait()
            if daemon.process.poll() is not None:
                with open(daemon.log.name) as log:
                    return {"attack": name, "alive": False, "status": daemon.process.returncode, "log": log.read()[-2000:]}
            after, _, _ = measure_both(daemon, control, clients, seconds)
            return {
                "attack": name, "alive": daemon.process.poll() is None, "before": before, "during": during, "after": after,
                "beside": calm,
                "attack_seconds": under_way, "resident_before": resident, "resident_most": max(peak, seen),
                "processors": load}
        finally:
            for process in [daemon, control]:
                if process:
                    process.end()


def sigterm(tonari, seconds=1.5):
    """Pipelined picks on every listener while the selector ends: each that was sent before the end was told is answered."""
    with tempfile.TemporaryDirectory(prefix="tonari-") as folder:
        daemon = Daemon(tonari, "selector", folder)
        counts, faults, lock = {}, [], threading.Lock()
        stop = threading.Event()

        def note(kind, asked, answered):
            with lock:
                old = counts.get(kind, (0, 0))
                counts[kind] = (old[0] + asked, old[1] + answered)

        def framed():
            peer = wire.connect(daemon.addresses["framed"])
            reader, asked, answered = wire.Reader(peer), 0, 0
            try:
                while True:
                    peer.sendall(wire.frame(wire.pick("shop/cart")) * 8)
                    asked += 8
                    for _ in range(8):
                        reader.framed()
                        answered += 1
            except OSError as error:
                # What was sent after the other end said that it takes no more was not taken.
                if not isinstance(error, (BrokenPipeError, ConnectionError)):
                    faults.append(f"framed: {error!r}")
            note("framed", asked, answered)

        def h2(kind, path, message, ends):
            asked = answered = refused = 0
            connection = wire.Connection(daemon.addresses[kind])
            try:
                while not connection.is_ending:
                    asked += 1
                    connection.ask(path, message, ends)
                    answered += 1
            except ConnectionError as error:
                # A stream beyond the last one that GOAWAY names may be asked again elsewhere without harm.
                if "goaway" in str(error):
                    refused = 1
                else:
                    faults.append(f"{kind}: {error}, stream {connection.stream - 2}, last {connection.last}")
            except OSError as error:
                faults.append(f"{kind}: {error!r}")
            note(kind, asked - refused, answered)

        threads = [threading.Thread(target=framed) for _ in range(4)]
        threads += [threading.Thread(target=h2, args=("grpc", wire.PICK, wire.text(1, "shop/cart"), True)) for _ in range(4)]
        threads += [threading.Thread(target=h2, args=("picker", wire.PROCESS, wire.text(2, b""), False)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        took = daemon.end(signal.SIGTERM, 60)
        for thread in threads:
            thread.join(30)
        return {"attack": "sigterm", "seconds": took, "status": daemon.process.returncode,
                "asked": {kind: pair[0] for kind, pair in counts.items()},
                "faults": faults, "unanswered": {kind: pair[0] - pair[1] for kind, pair in counts.items()}}


def sigterm_bodies(tonari, count=1):
    """How long an extender takes to end that waits for a body."""
    with tempfile.TemporaryDirectory(prefix="tonari-") as folder:
        daemon = Daemon(tonari, "extender", folder)
        peers = []
        for _ in range(count):
            peer = wire.connect(daemon.addresses["extender"])
            peer.sendall(b"POST /scheduler/filter HTTP/1.1\r\nHost: e\r\nContent-Length: 1000\r\n\r\n{")
            peers.append(peer)
        time.sleep(0.5)
        return {"attack": "sigterm_bodies", "seconds": daemon.end(signal.SIGTERM), "status": daemon.process.returncode}


def growth(result, kind):
    """By what a client's p99 grew, over that of before or, where that is more, of the client of the daemon beside."""
    calm = max(result[when][kind]["p99_ms"] for when in ["before", "beside"])
    return result["during"][kind]["p99_ms"] / max(calm, 0.001)


def line(result):
    if "during" not in result:
        return json.dumps(result)
    out = [f"{result['attack']:<22} {'alive' if result['alive'] else 'ENDED'}  "
           f"memory {result['resident_before'] >> 20} -> {result['resident_most'] >> 20} MiB, "
           f"{100 * result['processors']:.0f} % of a processor, under way after {result['attack_seconds']:.1f} s"]
    for kind in result["before"]:
        before, during, after, beside = (result[when][kind] for when in ["before", "during", "after", "beside"])
        out.append(
            f"    {kind:<9} p50 {before['p50_ms']:.2f} / {during['p50_ms']:.2f} / {after['p50_ms']:.2f} ms, "
            f"p99 {before['p99_ms']:.2f} / {during['p99_ms']:.2f} / {after['p99_ms']:.2f} ms "
            f"({growth(result, kind):.1f} x; beside {beside['p99_ms']:.2f} ms), "
            f"longest {during['max_ms']:.0f} ms, failures {during['failures']} of {during['requests']}"
            + (f" {list(during['faults'].items())[:2]}" if during["failures"] else ""))
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tonari", default=os.path.join(ROOT, ".build", "release", "tonari"))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--client")
    parser.add_argument("--address")
    parser.add_argument("attacks", nargs="*")
    arguments = parser.parse_args()
    if arguments.list:
        return print("\n".join(list(CASES) + ["sigterm", "sigterm_bodies"]))
    if arguments.client:
        client = CLIENTS[arguments.client][0](arguments.address)
        client.run(arguments.seconds)
        return print(json.dumps(client.summary()))
    failures = []
    for name in arguments.attacks or list(CASES) + ["sigterm", "sigterm_bodies"]:
        if name == "sigterm":
            result = sigterm(arguments.tonari)
        elif name == "sigterm_bodies":
            result = sigterm_bodies(arguments.tonari)
        else:
            result = attack(arguments.tonari, name, arguments.scale, arguments.seconds)
        print(json.dumps(result) if arguments.json else line(result), flush=True)
        failures += [f"{name}: the p99 of {kind} grew {growth(result, kind):.1f} times" for kind in result.get("during", [])
                     if kind != "metrics" and name != "descriptors_flood" and growth(result, kind) > 2]
        failures += [f"{name}: the daemon ended"] if result.get("alive") is False else []
        failures += [f"{name}: {count} of {kind} were not answered"
                     for kind, count in result.get("unanswered", {}).items() if count]
    if arguments.check and failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
