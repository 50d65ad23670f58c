#!/usr/bin/env python3
"""The memory of tonari extender that follows a cluster of 5,000 nodes and 50,000 pods.

    benchmarks/memory.py                             # 20,000 changes of pods after the lists
    benchmarks/memory.py --nodes 500 --pods 5000

The API server is scripted: this process serves lists in pages and watches, as kube-apiserver does, with pods of about
4 KB and nodes of about 10 KB. Measured are the resident memory of the extender when it is ready and after the changes,
and the most that it ever had.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from control_plane import cpu, free_port, wait

HERE = Path(__file__).resolve().parent
TONARI = Path(os.environ.get("TONARI", HERE.parent / ".build/release/tonari"))
REPLICAS = 50


def node(number):
    images = [
        {"names": [f"registry.example.com/team-{i}/service@sha256:{'0123456789abcdef' * 4}"], "sizeBytes": 10**8 + i}
        for i in range(64)
    ]
    return {
        "metadata": {
            "name": f"node-{number:05}", "uid": f"node-{number}", "resourceVersion": "1",
            "labels": {"kubernetes.io/hostname": f"node-{number:05}", "topology.kubernetes.io/zone": f"z{number % 3}"},
        },
        "spec": {},
        "status": {"allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"}, "images": images},
    }


def pod(number, nodes, version):
    workload = f"service-{number // REPLICAS}"
    settings = [{"name": f"SETTING_{i}", "value": f"a value of some length, number {i}"} for i in range(24)]
    fields = {f'k:{{"name":"SETTING_{i}"}}': {".": {}, "f:name": {}, "f:value": {}} for i in range(24)}
    return {
        "metadata": {
            "name": f"{workload}-5d9c7b8f6d-{number:05}", "generateName": f"{workload}-5d9c7b8f6d-",
            "namespace": f"team-{number // REPLICAS % 20}", "uid": f"6c1f0b0e-0000-4000-8000-{number:012}",
            "resourceVersion": str(version), "labels": {"app": workload, "pod-template-hash": "5d9c7b8f6d"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{workload}-5d9c7b8f6d",
                    "uid": f"1f1f0b0e-0000-4000-8000-{number // REPLICAS:012}", "controller": True,
                }
            ],
            "managedFields": [
                {"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {"f:containers": {"f:env": fields}}}}
            ],
        },
        "spec": {
            "nodeName": f"node-{number * 7 % nodes:05}",
            "containers": [{"name": "main", "image": f"registry.example.com/{workload}:1", "env": settings}],
        },
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


def workload(number, kind):
    name = f"service-{number}"
    meta = {"name": name, "namespace": f"team-{number % 20}", "uid": f"{kind}-{number}", "resourceVersion": "1"}
    if kind == "replicasets":
        meta["name"] = f"{name}-5d9c7b8f6d"
        meta["labels"] = {"pod-template-hash": "5d9c7b8f6d"}
        meta["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "controller": True}]
    container = {"name": "main", "image": f"registry.example.com/{name}:1"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "metadata": meta,
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


class Script(ThreadingHTTPServer):
    """Serves lists of what it is told, and a watch of pods that tells changes."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, options):
        super().__init__(("127.0.0.1", 0), Handler)
        workloads = -(-options.pods // REPLICAS)

        def lines(objects):
            return [json.dumps(found, separators=(",", ":")).encode() for found in objects]

        self.lists = {
            "/api/v1/nodes": lines(node(number) for number in range(options.nodes)),
            "/api/v1/pods": lines(pod(number, options.nodes, 1) for number in range(options.pods)),
            "/apis/apps/v1/deployments": lines(workload(number, "deployments") for number in range(workloads)),
            "/apis/apps/v1/replicasets": lines(workload(number, "replicasets") for number in range(workloads)),
            "/apis/apps/v1/statefulsets": [],
            "/apis/tonari.dev/v1alpha1/placementplans": lines([plan(options)]),
        }
        self.changes = [
            b'{"type":"MODIFIED","object":'
            + json.dumps(pod(number % options.pods, options.nodes, number + 2)).encode()
            + b"}\n"
            for number in range(options.changes)
        ]
        self.go = threading.Event()
        self.told = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        found = self.server.lists.get(url.path)
        if found is None:
            return self._send(404, b'{"kind":"Status","status":"Failure","code":404,"reason":"NotFound"}')
        if query.get("watch") in ("1", "true"):
            return self._watch(url.path)
        start = int(query.get("continue") or 0)
        end = min(len(found), start + int(query.get("limit") or len(found) or 1))
        more = f',"continue":"{end}","remainingItemCount":{len(found) - end}' if end < len(found) else ""
        head = f'{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"1"{more}}},"items":['
        self._send(200, head.encode() + b",".join(found[start:end]) + b"]}")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send(201, b'{"kind":"Event","metadata":{"name":"e","resourceVersion":"1"}}')

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self, path):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            if path == "/api/v1/pods" and self.server.go.wait():
                for change in self.server.changes:
                    self._chunk(change)
                self.server.told.set()
            while True:
                time.sleep(10)
                self._chunk(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"999999"}}}\n')
        except OSError:
            self.close_connection = True

    def _chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


def plan(options):
    workloads = -(-options.pods // REPLICAS)
    return {
        "apiVersion": "tonari.dev/v1alpha1", "kind": "PlacementPlan",
        "metadata": {"name": "benchmark", "uid": "plan", "resourceVersion": "1"},
        "spec": {
            "placements": [
                {
                    "workload": {"kind": "Deployment", "namespace": f"team-{number % 20}", "name": f"service-{number}"},
                    "nodes": [
                        {"name": f"node-{(number * REPLICAS + place) * 7 % options.nodes:05}", "replicas": 5}
                        for place in range(REPLICAS // 5)
                    ],
                }
                for number in range(workloads)
            ]
        },
    }


def memory(process, field):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0


def fetch(url):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=50000)
    parser.add_argument("--changes", type=int, default=20000)
    options = parser.parse_args()
    if not os.access(TONARI, os.X_OK):
        sys.exit(f"{TONARI}: not found; build it with: swift build -c release --product tonari")

    script = Script(options)
    threading.Thread(target=script.serve_forever, daemon=True).start()
    size = {path: sum(map(len, found)) / max(1, len(found)) for path, found in script.lists.items()}
    print(
        f"{options.nodes} nodes of {size['/api/v1/nodes'] / 1000:.1f} KB, "
        f"{options.pods} pods of {size['/api/v1/pods'] / 1000:.1f} KB, scripted API server"
    )
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1", "kind": "Config", "current-context": "script",
                    "clusters": [
                        {"name": "script", "cluster": {"server": f"http://127.0.0.1:{script.server_address[1]}"}}
                    ],
                    "users": [{"name": "nobody", "user": {}}],
                    "contexts": [{"name": "script", "context": {"cluster": "script", "user": "nobody"}}],
                }
            )
        )
        port = free_port()
        start = time.monotonic()
        extender = subprocess.Popen(
            [TONARI, "extender", "--listen", f"127.0.0.1:{port}", "--kubeconfig", kubeconfig, "--log-level", "warning"]
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wanted = f"tonari_extender_replicas {float(options.pods)}"
            wait("the extender knows all pods", lambda: wanted in fetch(f"{url}/metrics"), 180)
            wait("the extender is ready", lambda: fetch(f"{url}/readyz").endswith("ready\n"), 180)
            taken = time.monotonic() - start
            print(f"  ready after {taken:.1f} s: {memory(extender, 'VmRSS'):.0f} MB, at most {memory(extender, 'VmHWM'):.0f} MB")
            before = cpu(extender)
            script.go.set()
            script.told.wait(120)
            time.sleep(2)
            print(
                f"  after {options.changes} changes: {memory(extender, 'VmRSS'):.0f} MB, "
                f"at most {memory(extender, 'VmHWM'):.0f} MB; "
                f"{(cpu(extender) - before) / options.changes * 1000:.2f} ms of CPU a change"
            )
        finally:
            extender.kill()
            extender.wait()


if __name__ == "__main__":
    main()
