#!/usr/bin/env python3
"""Pods per second of a real kube-scheduler in turns: without an extender, with one that knows nothing, with Tonari's.

    KUBEBUILDER_ASSETS=… benchmarks/scheduler.py                  # 1,000 nodes, 2,000 pods, 3 turns each
    KUBEBUILDER_ASSETS=… benchmarks/scheduler.py --nodes 100 --pods 200 --turns 1

Both look at all nodes (percentageOfNodesToScore: 100) and may ask the API server as often as they like (qps 5000). In
each turn all pods are there before the scheduler starts; measured is from the first binding to the last, as a watch
tells them, and the processor's time of scheduler and extender over all of the turn. The extender follows the cluster and
serves a plan for all of the pods. What is lost to `bare_extender.py` is lost to the extender protocol.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from control_plane import TOKEN, ControlPlane, assets, cpu, free_port, wait

HERE = Path(__file__).resolve().parent
TONARI = Path(os.environ.get("TONARI", HERE.parent / ".build/release/tonari"))
NAMESPACE = "/api/v1/namespaces/default/pods"
REPLICAS = 20

CONFIGURATION = """
apiVersion: kubescheduler.config.k8s.io/v1beta1
kind: KubeSchedulerConfiguration
clientConnection: {{kubeconfig: "{kubeconfig}", qps: 5000, burst: 10000}}
leaderElection: {{leaderElect: false}}
healthzBindAddress: 127.0.0.1:{port}
metricsBindAddress: 127.0.0.1:{port}
percentageOfNodesToScore: 100
"""

EXTENDER = """
extenders:
  - urlPrefix: {url}
    prioritizeVerb: prioritize
    preemptVerb: preempt
    weight: 200
    nodeCacheCapable: true
    ignorable: true
    httpTimeout: 2s
"""


def pod(number):
    workload = f"service-{number // REPLICAS}"
    owner = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{workload}-abc12", "controller": True,
        "uid": f"00000000-0000-4000-8000-{number // REPLICAS:012}",
    }
    settings = [{"name": f"SETTING_{i}", "value": f"a value of some length, number {i}"} for i in range(24)]
    container = {
        "name": "main", "image": f"registry.example.com/{workload}:1", "env": settings,
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
    }
    labels = {"app": workload, "pod-template-hash": "abc12"}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": f"{workload}-abc12-{number}", "labels": labels, "ownerReferences": [owner]},
        "spec": {"containers": [container]},
    }


def plan(nodes, pods):
    """Two pods of each workload share a node, and neighbours in the list share it too."""
    placements = []
    for first in range(0, pods, REPLICAS):
        counts = Counter(nodes[number // 2 * 7 % len(nodes)] for number in range(first, min(pods, first + REPLICAS)))
        placements.append(
            {
                "workload": {"kind": "Deployment", "namespace": "default", "name": f"service-{first // REPLICAS}"},
                "nodes": [{"name": name, "replicas": count} for name, count in sorted(counts.items())],
            }
        )
    return {
        "apiVersion": "tonari.dev/v1alpha1", "kind": "PlacementPlan", "metadata": {"name": "benchmark"},
        "spec": {"placements": placements},
    }


class Bindings(threading.Thread):
    """Watches pods get their nodes, and notes when."""

    def __init__(self, cluster, version):
        super().__init__(daemon=True)
        self.times, self.nodes = [], {}
        self._connection = cluster.connect(timeout=600)
        self._connection.request(
            "GET", f"{NAMESPACE}?watch=1&resourceVersion={version}&fieldSelector=spec.nodeName!=",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        self._response = self._connection.getresponse()

    def run(self):
        try:
            while line := self._response.readline():
                # The time counts before the line is read as JSON.
                now = time.monotonic()
                found = json.loads(line)["object"]
                if found["metadata"]["name"] not in self.nodes:
                    self.times.append(now)
                    self.nodes[found["metadata"]["name"]] = found["spec"]["nodeName"]
        except (OSError, ValueError, AttributeError):
            pass

    def close(self):
        self._connection.sock and self._connection.sock.close()


def turn(cluster, count, extender_url):
    cluster.ask_all([("POST", NAMESPACE, pod(number)) for number in range(count)])
    version = cluster.ask("GET", f"{NAMESPACE}?limit=1")["metadata"]["resourceVersion"]
    bindings = Bindings(cluster, version)
    bindings.start()
    if extender_url:
        # A running extender has seen the pods of this turn.
        time.sleep(2)
    configuration = CONFIGURATION.format(kubeconfig=cluster.kubeconfig, port=free_port())
    if extender_url:
        configuration += EXTENDER.format(url=extender_url)
    file = cluster.folder / "scheduler.yaml"
    file.write_text(configuration)
    scheduler = cluster.start(
        [
            assets() / "kube-scheduler", "--config", file, "--secure-port", str(free_port()),
            "--bind-address", "127.0.0.1", "--authentication-skip-lookup", "--cert-dir", cluster.folder / "generated",
        ],
        "kube-scheduler",
    )
    wait("all pods are bound", lambda: len(bindings.times) == count, 300)
    used = cpu(scheduler)
    cluster.stop(scheduler)
    bindings.close()
    cluster.ask("DELETE", NAMESPACE, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
    wait("all pods are gone", lambda: not cluster.ask("GET", f"{NAMESPACE}?limit=1")["items"])
    return (count - 1) / (bindings.times[-1] - bindings.times[0]), bindings.nodes, used


def followed(placed, wanted, count):
    """The share of pods that run where the plan has them."""
    found = Counter((name.rsplit("-", 2)[0], node) for name, node in placed.items())
    total = 0
    for placement in wanted["spec"]["placements"]:
        for node in placement["nodes"]:
            total += min(node["replicas"], found[placement["workload"]["name"], node["name"]])
    return total / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    if not os.access(TONARI, os.X_OK):
        sys.exit(f"{TONARI}: not found; build it with: swift build -c release --product tonari")

    with ControlPlane() as cluster:
        nodes = [f"node-{number:05}" for number in range(options.nodes)]
        cluster.add_nodes(nodes)
        wanted = plan(nodes, options.pods)
        (cluster.folder / "plan.json").write_text(json.dumps(wanted))
        port = free_port()
        print(f"{options.nodes} nodes, {options.pods} pods; pods/s from the first binding to the last")
        rates = {"without": [], "bare": [], "with": []}
        for number in range(options.turns):
            for name in list(rates) if number % 2 == 0 else list(reversed(rates)):
                url, extender = None, None
                if name != "without":
                    url = f"http://127.0.0.1:{port}/scheduler"
                    command = [
                        TONARI, "extender", "--listen", f"127.0.0.1:{port}", "--kubeconfig", cluster.kubeconfig,
                        "--plan", "plan.json",
                    ]
                    if name == "bare":
                        command = [sys.executable, HERE / "bare_extender.py", str(port)]
                    extender = cluster.start(command, "extender")
                rate, placed, used = turn(cluster, options.pods, url)
                times = f"; CPU a pod: scheduler {used / options.pods * 1000:.2f} ms"
                if extender:
                    times += f", extender {cpu(extender) / options.pods * 1000:.2f} ms"
                    cluster.stop(extender)
                rates[name].append(rate)
                share = followed(placed, wanted, options.pods)
                print(f"  {name:<8} {rate:8.1f} pods/s   {share:6.1%} where the plan has them{times}", flush=True)
        without, bare, with_it = (statistics.median(rate) for rate in rates.values())
        print(
            f"median: {without:.1f} without, {bare:.1f} with a bare extender ({bare / without:.2f}), {with_it:.1f} with "
            f"Tonari's ({with_it / without:.2f}, {with_it / bare:.2f} of the bare one)"
        )


if __name__ == "__main__":
    main()
