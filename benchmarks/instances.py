"""Placement instances for the benchmarks, and the files that `tonari plan` reads.

Every instance is drawn from a seed: the same arguments, the same instance, on every machine.
"""

import csv
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


def power_law(services: int, nodes: int, seed: int, full: float = 0.7) -> Instance:
    """Each service calls three earlier ones, busy ones more likely; the traffic of an edge is Pareto-distributed."""
    rng = random.Random(f"power law {services} {nodes} {seed} {full}")
    request = [50 * rng.randint(1, 9) for _ in range(services)]
    ends = [0]
    edges = {}
    for v in range(1, services):
        for _ in range(3):
            u = rng.choice(ends)
            if u != v:
                edges[u, v] = max(1, round(10 * rng.paretovariate(1)))
                ends += [u, v]
    name = f"power-law-{services}x{nodes}-s{seed}"
    return Instance(name, nodes, room(request, [1] * services, nodes, full), [1] * services, request, weighted(edges))


def room(request: list[int], replicas: list[int], nodes: int, full: float) -> int:
    return round(sum(r * c for r, c in zip(request, replicas)) / nodes / full)


def weighted(edges: dict[tuple[int, int], int]) -> list[tuple[int, int, int]]:
    return [(u, v, traffic) for (u, v), traffic in sorted(edges.items())]
