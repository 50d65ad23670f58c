"""etcd, kube-apiserver and kube-scheduler on loopback, from the folder that KUBEBUILDER_ASSETS names; no kubelets."""

import concurrent.futures
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOKEN = "tonari-benchmark"


def assets():
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        sys.exit("KUBEBUILDER_ASSETS: found nothing, expected the folder with etcd, kube-apiserver and kube-scheduler")
    return Path(folder)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait(what, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def cpu(process):
    """The processor's time that a process has had, in seconds."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class ControlPlane:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="tonari-benchmark-")
        self.folder = Path(self._folder.name)
        self.port = free_port()
        self._local = threading.local()
        self._processes = []
        self._certificates()
        etcd, peer = free_port(), free_port()
        self.start(
            [
                assets() / "etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync",
                "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
                "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-cluster", f"default=http://127.0.0.1:{peer}",
            ],
            "etcd",
        )
        path = self.folder
        self.start(
            [
                assets() / "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{etcd}",
                "--bind-address", "127.0.0.1", "--secure-port", str(self.port), "--advertise-address", "127.0.0.1",
                "--tls-cert-file", path / "server.crt", "--tls-private-key-file", path / "server.key",
                "--token-auth-file", path / "tokens.csv", "--cert-dir", path / "generated",
                "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/24",
                "--service-account-issuer", "https://kubernetes.test",
                "--service-account-key-file", path / "server.crt",
                "--service-account-signing-key-file", path / "server.key",
                "--disable-admission-plugins", "ServiceAccount", "--profiling=false",
                "--max-requests-inflight", "2000", "--max-mutating-requests-inflight", "1000",
            ],
            "kube-apiserver",
        )
        wait("kube-apiserver", self._is_ready)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._folder.cleanup()

    def start(self, command, name):
        log = open(self.folder / f"{name}.log", "ab")
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=self.folder)
        self._processes.append(process)
        return process

    def stop(self, process):
        process.terminate()
        process.wait()
        self._processes.remove(process)

    @property
    def kubeconfig(self):
        return self.folder / "kubeconfig"

    def _certificates(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=kube-apiserver", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "server.key",
            "-out", "server.crt",
        )
        (self.folder / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [
                        {
                            "name": "benchmark",
                            "cluster": {
                                "server": f"https://127.0.0.1:{self.port}",
                                "certificate-authority": str(self.folder / "server.crt"),
                            },
                        }
                    ],
                    "users": [{"name": "admin", "user": {"token": TOKEN}}],
                    "contexts": [{"name": "benchmark", "context": {"cluster": "benchmark", "user": "admin"}}],
                    "current-context": "benchmark",
                }
            )
        )

    def _is_ready(self):
        try:
            return self.ask("GET", "/readyz", parse=False) == b"ok"
        except (OSError, RuntimeError):
            return False

    def connect(self, timeout=60):
        context = ssl.create_default_context(cafile=self.folder / "server.crt")
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=timeout)

    def ask(self, method, path, body=None, content="application/json", parse=True):
        connection = getattr(self._local, "connection", None) or self.connect()
        self._local.connection = None
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content}
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        response = connection.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status}: {data[:300]!r}")
        self._local.connection = connection
        return json.loads(data) if parse else data

    def ask_all(self, questions):
        """Asks many questions, a few at a time: tuples of arguments for ask."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda question: self.ask(*question), questions))

    def add_nodes(self, names, zones=3, capacity=None):
        amounts = capacity or {"cpu": "16", "memory": "64Gi", "pods": "110"}

        def add(numbered):
            number, name = numbered
            labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"zone-{number % zones}"}
            self.ask(
                "POST", "/api/v1/nodes",
                {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}},
            )
            condition = {"type": "Ready", "status": "True", "reason": "Benchmark", "message": ""}
            merge = "application/merge-patch+json"
            status = {"status": {"capacity": amounts, "allocatable": amounts, "conditions": [condition]}}
            self.ask("PATCH", f"/api/v1/nodes/{name}/status", status, merge)
            # The API server taints each new node, and waits for a controller to say otherwise.
            self.ask("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}}, merge)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(add, enumerate(names)))
