#!/usr/bin/env python3
"""Placement instances for the benchmarks, and the files that `tonari plan` reads.

    benchmarks/instances.py 10000x1000 --out DIR                  # cluster.json and traffic.csv of a large cluster
    tonari plan -c DIR/cluster.json -t DIR/traffic.csv --profile traffic

Every instance is drawn from a seed: the same arguments, the same instance, on every machine.
"""

import argparse
import csv
import dataclasses
import json
import random
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Instance:
    """Services of some replicas each, on like nodes with one resource, and the traffic between services."""

    name: str
    nodes: int
    capacity: int
    replicas: list[int]
    request: list[int]
    edges: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def services(self) -> int:
        return len(self.replicas)

    def cut(self, counts: list[list[int]]) -> float:
        """The traffic between nodes of a placement, replicas by service and node; raises where it breaks a rule."""
        for service, row in enumerate(counts):
            if sum(row) != self.replicas[service] or min(row) < 0:
                raise ValueError(f"service {service} has {sum(row)} of {self.replicas[service]} replicas")
        for node in range(self.nodes):
            load = sum(self.request[service] * row[node] for service, row in enumerate(counts))
            if load > self.capacity:
                raise ValueError(f"node {node} holds {load} of {self.capacity}")
        return sum(
            traffic * (1 - sum(min(a / self.replicas[u], b / self.replicas[v]) for a, b in zip(counts[u], counts[v])))
            for u, v, traffic in self.edges
        )

    def write(self, folder: Path) -> None:
        """Writes cluster.json and traffic.csv."""
        items = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": f"node-{n}"},
                "status": {"allocatable": {"cpu": f"{self.capacity}m", "memory": "64Gi", "pods": "1000"}},
            }
            for n in range(self.nodes)
        ] + [
            deployment(f"service-{s}", self.replicas[s], {"cpu": f"{self.request[s]}m"})
            for s in range(self.services)
        ]
        (folder / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        write_traffic(folder / "traffic.csv", [(f"service-{u}", f"service-{v}", t) for u, v, t in self.edges])

    def counts(self, plan: dict) -> list[list[int]]:
        """Replicas by service and node of a PlacementPlan."""
        counts = [[0] * self.nodes for _ in range(self.services)]
        for placement in plan["spec"]["placements"]:
            service = int(placement["workload"]["name"].removeprefix("service-"))
            for place in placement["nodes"]:
                counts[service][int(place["name"].removeprefix("node-"))] += place["replicas"]
        return counts


def deployment(name: str, replicas: int, requests: dict[str, str]) -> dict:
    """A Deployment with one container."""
    labels = {"app": name}
    container = {"name": "main", "image": "example.com/main", "resources": {"requests": requests}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "default", "name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def write_traffic(path: Path, edges) -> None:
    """Writes Tonari's own CSV."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "destination", "bytes_per_second", "requests_per_second"])
        writer.writerows((source, destination, traffic, "") for source, destination, traffic in edges)


def sparse(services: int, nodes: int, seed: int, replicas: int = 1, degree: float = 2, full: float = 0.8) -> Instance:
    """Pairs of services at random, `degree` edges for each service; up to so many replicas."""
    rng = random.Random(f"sparse {services} {nodes} {seed} {replicas} {degree} {full}")
    request = [50 * rng.randint(1, 9) for _ in range(services)]
    counts = [rng.randint(1, replicas) for _ in range(services)]
    edges = {}
    while len(edges) < round(services * degree):
        u, v = sorted(rng.sample(range(services), 2))
        edges[u, v] = rng.randint(1, 100)
    name = f"sparse-{services}x{nodes}" + (f"-r{replicas}" if replicas > 1 else "") + f"-s{seed}"
    return Instance(name, nodes, room(request, counts, nodes, full), counts, request, weighted(edges))


def calls(rng: random.Random, services: int, traffic) -> dict[tuple[int, int], int]:
    """A power-law call graph: each service calls three earlier ones, busy ones more likely (Barabási and Albert 1999)."""
    ends = [0]
    edges = {}
    for v in range(1, services):
        for _ in range(3):
            u = rng.choice(ends)
            if u != v:
                edges[u, v] = traffic()
                ends += [u, v]
    return edges


def power_law(services: int, nodes: int, seed: int, full: float = 0.7) -> Instance:
    """Each service calls three earlier ones, busy ones more likely; the traffic of an edge is Pareto-distributed."""
    rng = random.Random(f"power law {services} {nodes} {seed} {full}")
    request = [50 * rng.randint(1, 9) for _ in range(services)]
    edges = calls(rng, services, lambda: pareto(rng))
    name = f"power-law-{services}x{nodes}-s{seed}"
    return Instance(name, nodes, room(request, [1] * services, nodes, full), [1] * services, request, weighted(edges))


def room(request: list[int], replicas: list[int], nodes: int, full: float) -> int:
    return round(sum(r * c for r, c in zip(request, replicas)) / nodes / full)


def weighted(edges: dict[tuple[int, int], int]) -> list[tuple[int, int, int]]:
    return [(u, v, traffic) for (u, v), traffic in sorted(edges.items())]


@dataclass
class Cluster:
    """Services on unlike nodes in zones, with several resources, spread constraints and anti-affinity."""

    name: str
    zones: list[str]
    # Names of the nodes, their zones, and what each can give: millicores, MiB and pods.
    nodes: list[str]
    zone: list[int]
    capacity: list[tuple[int, int, int]]
    # By service: replicas, and what each of them requests, in the same units.
    replicas: list[int]
    request: list[tuple[int, int, int]]
    # Services whose replicas in any two zones differ by one at most, and services with at most one on a node.
    spread: list[int]
    apart: list[int]
    # Pairs of services, each once, and their bytes per second.
    edges: list[tuple[int, int, int]]
    # Where replicas run now, (node, replicas) by service; nothing runs where it is empty.
    running: list[list[tuple[int, int]]] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Writes cluster.json, with the pods that run, and traffic.csv."""
        items = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {
                    "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": self.zones[zone]}},
                "status": {"allocatable": {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "pods": str(pods)}},
            }
            for name, zone, (cpu, memory, pods) in zip(self.nodes, self.zone, self.capacity)
        ]
        spread, apart = set(self.spread), set(self.apart)
        for service, (cpu, memory, _) in enumerate(self.request):
            item = deployment(
                f"service-{service}", self.replicas[service], {"cpu": f"{cpu}m", "memory": f"{memory}Mi"})
            spec = item["spec"]["template"]["spec"]
            selector = item["spec"]["selector"]
            if service in spread:
                spec["topologySpreadConstraints"] = [{
                    "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}]
            if service in apart:
                spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}]}}
            items.append(item)
            if self.running:
                items += self.pods(f"service-{service}", item["spec"]["template"], self.running[service])
        (folder / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        write_traffic(folder / "traffic.csv", [(f"service-{u}", f"service-{v}", t) for u, v, t in self.edges])

    def pods(self, name: str, template: dict, places: list[tuple[int, int]]) -> list[dict]:
        """The running pods of a Deployment, owned by its ReplicaSet."""
        hosts = [node for node, count in places for _ in range(count)]
        return [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": "default",
                    "name": f"{name}-7d4b9c-{index}",
                    "labels": template["metadata"]["labels"] | {"pod-template-hash": "7d4b9c"},
                    "ownerReferences": [
                        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-7d4b9c", "controller": True}],
                },
                "spec": {"nodeName": self.nodes[node], **template["spec"]},
                "status": {"phase": "Running"},
            }
            for index, node in enumerate(hosts)
        ]

    def places(self, plan: dict) -> list[list[tuple[int, int]]]:
        """(node, replicas) by service of a PlacementPlan, as `running` wants it."""
        index = {name: n for n, name in enumerate(self.nodes)}
        places: list[list[tuple[int, int]]] = [[] for _ in self.replicas]
        for placement in plan["spec"]["placements"]:
            service = int(placement["workload"]["name"].removeprefix("service-"))
            places[service] = [(index[place["name"]], place["replicas"]) for place in placement["nodes"]]
        return places

    def with_traffic_changed(self, share: float, seed: int) -> "Cluster":
        """The same cluster after the traffic of so many of its edges was drawn anew."""
        rng = random.Random(f"traffic of {self.name} {share} {seed}")
        edges = list(self.edges)
        for e in rng.sample(range(len(edges)), max(1, round(share * len(edges)))):
            edges[e] = (*edges[e][:2], pareto(rng, len(self.replicas)))
        return dataclasses.replace(self, name=f"{self.name}-traffic{seed}", edges=edges)

    def with_nodes_replaced(self, share: float, seed: int) -> "Cluster":
        """The same cluster after so many of its nodes went, with all that ran there, and new ones like them came."""
        rng = random.Random(f"nodes of {self.name} {share} {seed}")
        gone = set(rng.sample(range(len(self.nodes)), max(1, round(share * len(self.nodes)))))
        nodes = [f"{name}-new" if n in gone else name for n, name in enumerate(self.nodes)]
        running = [[place for place in places if place[0] not in gone] for places in self.running]
        return dataclasses.replace(self, name=f"{self.name}-nodes{seed}", nodes=nodes, running=running)


def cluster(services: int, nodes: int, seed: int, full: float = 0.7) -> Cluster:
    """A power-law call graph on a production-like cluster.

    Each service calls three earlier ones, busy ones more likely; the traffic of an edge is Pareto-distributed, and cut
    off so that no single edge is most of it. Replicas are 1 to 10, 2.5 in the mean. Nodes come in four sizes and three
    zones. Of the services with three replicas or more a fifth is spread over zones; of those with two or more, one in
    twenty has at most one on a node.
    """
    rng = random.Random(f"cluster {services} {nodes} {seed} {full}")
    replicas = [min(10, int(rng.paretovariate(1.18))) for _ in range(services)]
    request = [(50 * rng.randint(1, 20), 64 * rng.randint(1, 32), 1) for _ in range(services)]
    # Relative cpu and memory; every second pod that a node has room for is there when the cluster is as full as it is.
    sizes = rng.choices([(1, 1), (2, 2), (2, 4), (4, 4)], weights=[4, 3, 2, 1], k=nodes)
    fullness = (full, full, 0.5)
    shapes = [(cpu, memory, cpu) for cpu, memory in sizes]
    unit = [
        sum(r[k] * count for r, count in zip(request, replicas)) / sum(shape[k] for shape in shapes) / fullness[k]
        for k in range(3)
    ]
    capacity = [tuple(round(unit[k] * shape[k]) for k in range(3)) for shape in shapes]
    many = [s for s in range(services) if replicas[s] >= 3]
    several = [s for s in range(services) if replicas[s] >= 2]
    edges = calls(rng, services, lambda: pareto(rng, services))
    return Cluster(
        name=f"cluster-{services}x{nodes}-s{seed}",
        zones=["zone-a", "zone-b", "zone-c"],
        nodes=[f"node-{n}" for n in range(nodes)],
        zone=[n % 3 for n in range(nodes)],
        capacity=capacity,
        replicas=replicas,
        request=request,
        spread=sorted(rng.sample(many, len(many) // 5)),
        apart=sorted(rng.sample(several, len(several) // 20)),
        edges=weighted(edges),
    )


def pareto(rng: random.Random, most: float = float("inf")) -> int:
    """10 and more with a heavy tail, which is cut off at so many times that."""
    return round(10 * min(most, rng.paretovariate(1)))


def size(text: str) -> tuple[int, int]:
    """Services and nodes of a size such as 10000x1000."""
    services, _, nodes = text.partition("x")
    return int(services), int(nodes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=size, metavar="SERVICESxNODES", help="such as 1000x100 or 20000x5000")
    parser.add_argument("--seed", type=int, default=1, help="(default: 1)")
    parser.add_argument("--full", type=float, default=0.7, help="how full cpu and memory are (default: 0.7)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    cluster(*arguments.size, arguments.seed, arguments.full).write(arguments.out)


if __name__ == "__main__":
    main()
