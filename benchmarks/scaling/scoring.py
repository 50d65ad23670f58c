"""Verifies and scores placements of a `Cluster`; nothing of Tonari's is in it.

A placement is the node of each replica, replicas of service 0 first, in one numpy array.
"""

import numpy as np

from instances import Cluster

# What traffic costs that leaves its node, and its zone on top: `tonari plan`'s own.
LEAVING_NODE = 1
LEAVING_ZONE = 3


class Scorer:
    """A cluster as arrays."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.nodes = len(cluster.nodes)
        self.services = len(cluster.replicas)
        self.zones = len(cluster.zones)
        self.zone = np.array(cluster.zone)
        self.capacity = np.array(cluster.capacity, dtype=np.int64)
        self.request = np.array(cluster.request, dtype=np.int64)
        self.replicas = np.array(cluster.replicas)
        # The replicas of service s are first[s] ..< first[s + 1].
        self.first = np.concatenate([[0], np.cumsum(self.replicas)])
        self.service = np.repeat(np.arange(self.services), self.replicas)
        self.u, self.v, traffic = (np.array(column) for column in zip(*cluster.edges))
        self.traffic = traffic.astype(float)
        self.total = self.traffic.sum()

    def node_of(self, places: list[list[tuple[int, int]]]) -> np.ndarray:
        """The placement of (node, replicas) by service."""
        for service, held in enumerate(places):
            placed = sum(count for _, count in held)
            if placed != self.replicas[service] or any(count < 1 for _, count in held):
                raise ValueError(f"service-{service}: {placed} of {self.replicas[service]} replicas placed")
        return np.array([node for held in places for node, count in held for _ in range(count)])

    def verify(self, node_of: np.ndarray) -> None:
        """Raises where a replica has no node, a node holds too much, or a constraint is broken."""
        if len(node_of) != len(self.service) or node_of.min() < 0 or node_of.max() >= self.nodes:
            raise ValueError("not every replica is on a node")
        for k, resource in enumerate(("cpu", "memory", "pods")):
            load = np.bincount(node_of, self.request[self.service, k], minlength=self.nodes)
            if (load > self.capacity[:, k]).any():
                node = int((load - self.capacity[:, k]).argmax())
                raise ValueError(f"{self.cluster.nodes[node]}: {load[node]} of {self.capacity[node, k]} {resource}")
        in_zone = self.in_zones(node_of)[self.cluster.spread]
        skewed = np.flatnonzero(in_zone.max(axis=1) - in_zone.min(axis=1) > 1) if len(in_zone) else []
        if len(skewed):
            raise ValueError(f"service-{self.cluster.spread[skewed[0]]} has {in_zone[skewed[0]]} replicas in the zones")
        for service in self.cluster.apart:
            hosts = node_of[self.first[service]:self.first[service + 1]]
            if len(set(hosts.tolist())) < len(hosts):
                raise ValueError(f"service-{service} has two replicas on one node")

    def figures(self, node_of: np.ndarray) -> dict[str, float]:
        """The localized share at node and zone tier, and the objective."""
        at_node = self.localized(self.service * self.nodes + node_of, self.nodes)
        at_zone = self.localized(self.service * self.zones + self.zone[node_of], self.zones)
        return {
            "share": at_node / self.total,
            "zoneShare": at_zone / self.total,
            "objective": LEAVING_NODE * (self.total - at_node) + LEAVING_ZONE * (self.total - at_zone),
        }

    def in_zones(self, node_of: np.ndarray) -> np.ndarray:
        """How many replicas of each service each zone holds."""
        cells = np.bincount(self.service * self.zones + self.zone[node_of], minlength=self.services * self.zones)
        return cells.reshape(self.services, self.zones)

    def localized(self, cell_of: np.ndarray, domains: int) -> float:
        """Σ_e t_e Σ_d min(x[u,d]/R_u, x[v,d]/R_v), where a replica's cell is service · domains + domain."""
        cells, counts = np.unique(cell_of, return_counts=True)
        shares = counts / self.replicas[cells // domains]
        start = np.searchsorted(cells, np.arange(self.services + 1) * domains)
        held = start[self.u + 1] - start[self.u]
        edge = np.repeat(np.arange(len(self.u)), held)
        # Each of u's cells in turn, and the cell of v in the same domain.
        cell = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held) + start[self.u][edge]
        wanted = self.v[edge] * domains + cells[cell] % domains
        other = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
        shared = np.where(cells[other] == wanted, np.minimum(shares[cell], shares[other]), 0)
        return float((self.traffic[edge] * shared).sum())
