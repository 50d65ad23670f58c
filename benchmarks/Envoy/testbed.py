"""What the benchmarks with Envoy share: replicas, balancers, the selector and the load, all on loopback.

A Testbed starts programs and ends them, whatever happens. TONARI names the selector's program where it is not
.build/release/tonari, and ENVOY Envoy's where it is not the one of benchmarks/requirements.txt.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import configuration

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TONARI = pathlib.Path(os.environ.get("TONARI", ROOT / ".build" / "release" / "tonari"))
ENVOY = pathlib.Path(os.environ.get("ENVOY", pathlib.Path(sys.executable).parent / "envoy"))
SERVICE = "shop/cart"


def processor_seconds(pid):
    """What the threads of a process used of the processors so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total * 1e-9


def get(url):
    """The body at a URL."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def wait_until(condition, what, seconds=20):
    """Waits until a condition holds, and answers what it answered."""
    end = time.monotonic() + seconds
    while True:
        try:
            if value := condition():
                return value
        except (OSError, urllib.error.URLError, ValueError):
            pass
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def end_with_parent():
    """Called in a child: lets the kernel end it with its parent, whatever that dies of."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


@dataclasses.dataclass
class Kind:
    """What a replica is like: see replica.c."""

    mean_milliseconds: float
    concurrency: int = 4
    pause: str = ""
    service: str = "exponential"

    def settings(self):
        pause = f",pause={self.pause}" if self.pause else ""
        return (
            f"mean={self.mean_milliseconds}ms,concurrency={self.concurrency},service={self.service},orca=1{pause}")

    def capacity(self):
        """Requests per second."""
        rate = self.concurrency / self.mean_milliseconds * 1000 if self.mean_milliseconds else float("inf")
        if self.pause:
            every, length = (float(part.removesuffix("s")) for part in self.pause.split(":"))
            rate *= 1 - length / every
        return rate


def fleet(mean_milliseconds=40, service="exponential"):
    """Twelve replicas: a third half as fast as the others, and two of those that pause now and then."""
    noisy = [Kind(mean_milliseconds, pause="5s:0.25s", service=service)] * 2
    fast = [Kind(mean_milliseconds, service=service)] * 6
    slow = [Kind(2 * mean_milliseconds, service=service)] * 4
    return noisy + fast + slow


class Program:
    """A program that runs."""

    def __init__(self, name, process):
        self.name = name
        self.process = process

    def processor_seconds(self):
        return processor_seconds(self.process.pid)

    def end(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(20)


class Replicas(Program):
    """The replicas of a service, all in one process."""

    def __init__(self, bed, kinds, seed=1):
        command = [bed.tool("replica"), "--seed", str(seed)]
        for kind in kinds:
            command += ["--replica", kind.settings()]
        process = bed.start("replicas", command, stdout=subprocess.PIPE, text=True).process
        super().__init__("replicas", process)
        self.ports = [int(port) for port in process.stdout.readline().split()[1:]]
        self.capacity = sum(kind.capacity() for kind in kinds)
        if len(self.ports) != len(kinds):
            raise SystemExit("the replicas do not listen")

    def addresses(self):
        return [f"127.0.0.1:{port}" for port in self.ports]

    def state(self, index, settings=""):
        """What a replica is doing, after its settings were changed, such as to fail=1."""
        return json.loads(get(f"http://127.0.0.1:{self.ports[index]}/toy?{settings}"))

    def wait_until_idle(self):
        def idle():
            states = [self.state(index) for index in range(len(self.ports))]
            return not any(state["serving"] or state["queued"] for state in states)

        wait_until(idle, "replicas: idle", 60)


class Envoy(Program):
    """An Envoy that plays the sidecars of several clients, each with a listener and clusters of its own."""

    def __init__(self, bed, name, text):
        path, admin = bed.path(f"{name}.yaml"), bed.path(f"{name}.admin")
        path.write_text(text)
        process = bed.start(
            name,
            [ENVOY, "--config-path", path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn",
             "--admin-address-path", admin]).process
        super().__init__(name, process)
        self.admin = "http://" + wait_until(lambda: running(self) and admin.read_text(), f"{name}: its configuration")
        wait_until(lambda: get(f"{self.admin}/ready").startswith("LIVE"), f"{name}: ready")
        listeners = json.loads(get(f"{self.admin}/listeners?format=json"))["listener_statuses"]
        self.ports = [listener["local_address"]["socket_address"]["port_value"] for listener in listeners]

    def total(self, pattern):
        """The sum of the counters, or gauges, whose names match."""
        lines = get(f"{self.admin}/stats?filter={pattern}").splitlines()
        return sum(int(line.split(": ")[1]) for line in lines)

    def went_on_without_picker(self):
        """How often it did not wait for an answer of the picker any more, or could not ask."""
        return self.total("ext_proc.failure_mode_allowed$")


class HAProxy(Program):
    """HAProxy, with a frontend and a backend of its own for each client."""

    def __init__(self, bed, name, replicas, clients, timeout):
        sockets = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(clients)]
        path = bed.path(f"{name}.cfg")
        path.write_text(configuration.haproxy([each.fileno() for each in sockets], replicas.addresses(), timeout))
        process = bed.start(
            name, ["haproxy", "-db", "-f", path], pass_fds=[each.fileno() for each in sockets]).process
        super().__init__(name, process)
        self.ports = [each.getsockname()[1] for each in sockets]
        for each in sockets:
            each.close()
        wait_until(lambda: running(self) and get(f"http://127.0.0.1:{self.ports[0]}/"), f"{name}: ready")


class Selector(Program):
    """The selector, which Envoys ask over a Unix socket."""

    def __init__(self, bed, replicas, arguments=()):
        self.socket = bed.path("picker.sock")
        self.port = free_port()
        path = bed.path("replicas.yaml")
        path.write_text(configuration.replicas(SERVICE, replicas.addresses()))
        self.command = [
            TONARI, "selector", "--picker", f"unix:{self.socket}", "--replicas", path, "--http",
            f"127.0.0.1:{self.port}", *arguments]
        self.bed = bed
        super().__init__("selector", None)
        self.restart()

    def restart(self):
        """Starts it, again after it was ended."""
        self.process = self.bed.start("selector", self.command).process
        wait_until(
            lambda: running(self) and get(f"http://127.0.0.1:{self.port}/readyz") and self.socket.exists(),
            "selector: ready")

    def metrics(self):
        """Its metrics: values by name and labels, as they are written."""
        lines = get(f"http://127.0.0.1:{self.port}/metrics").splitlines()
        return {name: float(value) for name, value in (
            line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))}


def results(load):
    """What a load that was started finds, when it has ended."""
    output, _ = load.communicate()
    if load.returncode:
        raise SystemExit(f"load ended with status {load.returncode}")
    return json.loads(output)


class BarePicker(Program):
    """What answers as the selector does, and knows nothing: see bare_picker.c."""

    def __init__(self, bed, replicas):
        self.socket = bed.path("bare.sock")
        command = [bed.tool("bare_picker"), self.socket, *replicas.addresses()]
        super().__init__("bare picker", bed.start("bare picker", command).process)
        wait_until(lambda: running(self) and self.socket.exists(), "bare picker: ready")


def running(program):
    """True; ends the run where a program has ended."""
    if program.process.poll() is not None:
        raise SystemExit(f"{program.name} ended with status {program.process.returncode}")
    return True


class Testbed:
    """A folder for a run, the programs in C, and all that was started."""

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tonari-"))
        self.programs = []
        return self

    def __exit__(self, kind, *_):
        for program in reversed(self.programs):
            program.end()
        if kind and kind is not KeyboardInterrupt:
            for log in sorted(self.folder.glob("*.log")):
                sys.stderr.write(f"--- {log.stem}\n{log.read_text()[-2000:]}")
        shutil.rmtree(self.folder)

    def path(self, name):
        return self.folder / name

    def tool(self, name):
        """A program in C of this folder."""
        program = self.path(name)
        if not program.exists():
            subprocess.run(["cc", "-O2", HERE / f"{name}.c", "-o", program, "-lm"], check=True)
        return program

    def start(self, name, command, **options):
        """Starts a program; what it says goes to a file that is shown when the run fails."""
        log = open(self.path(f"{name}.log"), "a")
        options = {"stdout": log, "stderr": log, "preexec_fn": end_with_parent} | options
        program = Program(name, subprocess.Popen(command, **options))
        log.close()
        self.programs.append(program)
        return program

    def load(self, ports, **options):
        """Asks at those ports as load.c does with these options; answers what it found."""
        return results(self.start_load(ports, **options))

    def start_load(self, ports, **options):
        """Starts to ask at those ports; `results` answers what it finds."""
        arguments = []
        for name, value in options.items():
            arguments += [f"--{name.replace('_', '-')}", str(value)]
        command = [self.tool("load"), *arguments, *map(str, ports)]
        return self.start("load", command, stdout=subprocess.PIPE, text=True).process

    def processor_seconds(self):
        """What all that run have used of the processors, and loads that have ended."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        running = sum(program.processor_seconds() for program in self.programs if program.process.poll() is None)
        return running + children.ru_utime + children.ru_stime
