"""A placement in the making: what is free, where one more replica may run, and what it would keep local there."""

import numpy as np

from .scoring import LEAVING_NODE, LEAVING_ZONE, Scorer


class Placing:
    """Replicas are placed one by one; all questions are answered for all nodes at once."""

    def __init__(self, scorer: Scorer):
        self.scorer = scorer
        # By resource, then by node: each resource is looked at alone.
        self.capacity = np.ascontiguousarray(scorer.capacity.T)
        self.free = self.capacity.copy()
        self.node_of = np.full(len(scorer.service), -1)
        self.in_zone = np.zeros((scorer.services, scorer.zones), dtype=np.int64)
        self.is_spread = np.zeros(scorer.services, dtype=bool)
        self.is_spread[scorer.cluster.spread] = True
        self.is_apart = np.zeros(scorer.services, dtype=bool)
        self.is_apart[scorer.cluster.apart] = True
        # The neighbours of each service, as one list with the traffic of each.
        ends = np.concatenate([scorer.u, scorer.v])
        order = np.argsort(ends, kind="stable")
        self.neighbour = np.concatenate([scorer.v, scorer.u])[order]
        self.traffic = np.concatenate([scorer.traffic, scorer.traffic])[order]
        self.start = np.searchsorted(ends[order], np.arange(scorer.services + 1))

    def place_all(self, node_of: np.ndarray) -> None:
        """Starts from a placement; -1 is no node."""
        scorer = self.scorer
        self.node_of = node_of.copy()
        placed = np.flatnonzero(node_of >= 0)
        nodes, services = node_of[placed], scorer.service[placed]
        for k in range(len(self.free)):
            load = np.bincount(nodes, scorer.request[services, k], minlength=scorer.nodes)
            self.free[k] = self.capacity[k] - load.astype(np.int64)
        cells = np.bincount(services * scorer.zones + scorer.zone[nodes], minlength=self.in_zone.size)
        self.in_zone = cells.reshape(self.in_zone.shape)

    def put(self, replica: int, node: int) -> None:
        service = self.scorer.service[replica]
        self.node_of[replica] = node
        self.free[:, node] -= self.scorer.request[service]
        self.in_zone[service, self.scorer.zone[node]] += 1

    def hosts(self, service: int) -> np.ndarray:
        """The nodes of its replicas that are placed, one entry each."""
        nodes = self.node_of[self.scorer.first[service]:self.scorer.first[service + 1]]
        return nodes[nodes >= 0]

    def feasible(self, service: int) -> np.ndarray:
        """The nodes that may hold one more replica."""
        cpu, memory, pods = self.scorer.request[service]
        mask = (self.free[0] >= cpu) & (self.free[1] >= memory) & (self.free[2] >= pods)
        if self.is_spread[service]:
            in_zone = self.in_zone[service]
            mask &= (in_zone <= in_zone.min())[self.scorer.zone]
        if self.is_apart[service]:
            mask[self.hosts(service)] = False
        return np.flatnonzero(mask)

    def neighbours(self, service: int) -> tuple[np.ndarray, np.ndarray]:
        """Services it talks to, and how much."""
        these = slice(self.start[service], self.start[service + 1])
        return self.neighbour[these], self.traffic[these]

    def placed_neighbours(self, service: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each placed replica of its neighbours: which of the list, its node, and its share of that neighbour."""
        scorer = self.scorer
        others, _ = self.neighbours(service)
        counts = scorer.replicas[others]
        which = np.repeat(np.arange(len(others)), counts)
        replica = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + scorer.first[others][which]
        nodes = self.node_of[replica]
        placed = nodes >= 0
        which = which[placed]
        return which, nodes[placed], 1 / counts[which]

    def pair_traffic(self, service: int, zones: bool) -> np.ndarray:
        """The traffic with the pods on each node, an equal part for each pair of pods, and what zones save on top."""
        scorer = self.scorer
        which, nodes, shares = self.placed_neighbours(service)
        amounts = self.neighbours(service)[1][which] * shares / scorer.replicas[service]
        score = LEAVING_NODE * np.bincount(nodes, amounts, minlength=scorer.nodes)
        if zones:
            score += LEAVING_ZONE * np.bincount(scorer.zone[nodes], amounts, minlength=scorer.zones)[scorer.zone]
        return score

    def gain(self, service: int) -> np.ndarray:
        """By how much one more replica on each node would make the objective smaller."""
        scorer = self.scorer
        others, traffic = self.neighbours(service)
        which, nodes, _ = self.placed_neighbours(service)
        one = 1 / scorer.replicas[service]
        cells, counts = np.unique(which * scorer.nodes + nodes, return_counts=True)
        which, nodes = cells // scorer.nodes, cells % scorer.nodes
        own = np.bincount(self.hosts(service), minlength=scorer.nodes) * one
        theirs = counts / scorer.replicas[others][which]
        more = np.minimum(own[nodes] + one, theirs) - np.minimum(own[nodes], theirs)
        score = LEAVING_NODE * np.bincount(nodes, traffic[which] * more, minlength=scorer.nodes)
        own = self.in_zone[service] * one
        theirs = self.in_zone[others] / scorer.replicas[others][:, None]
        more = np.minimum(own + one, theirs) - np.minimum(own, theirs)
        return score + LEAVING_ZONE * (traffic @ more)[scorer.zone]

    def emptiest(self, nodes: np.ndarray) -> np.ndarray:
        """How much of cpu and memory is free on nodes, 0 to 2: the default scheduler's LeastAllocated."""
        return (self.free[:2, nodes] / self.capacity[:2, nodes]).sum(axis=0)
