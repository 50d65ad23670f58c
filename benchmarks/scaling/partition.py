"""METIS: the replicas as a graph, its parts as nodes, and a repair of what it cannot know."""

import itertools

import numpy as np

from .placing import Placing
from .scoring import LEAVING_NODE, LEAVING_ZONE, Scorer

# How much more than its target a part may weigh, what is mostly best first: nodes have room for 1.4 times of it, and
# what is too much, repair puts elsewhere.
IMBALANCE = (1.6, 2, 1.4, 1.3, 1.15, 1.05)


def metis(scorer: Scorer, report, seconds_left) -> str:
    """K-way partitions with several imbalances and seeds, each repaired; the best counts.

    A replica weighs as much as it requests of cpu and memory; a part is a node and weighs what the node has of both.
    METIS balances one weight for parts of unlike targets (pymetis passes no more), so nodes may end over the capacity
    of one resource: the replicas that lose least go to where they gain most. METIS knows no zones: in every second try
    nodes are parts of zones that it made first.
    """
    graph = replica_graph(scorer)
    weight = (scorer.request[:, :2] / scorer.capacity[:, :2].sum(axis=0)).sum(axis=1)[scorer.service]
    target = (scorer.capacity[:, :2] / scorer.capacity[:, :2].sum(axis=0)).sum(axis=1)
    done = tried = 0
    longest = 0.0
    for seed in itertools.count(1):
        for imbalance, by_zone in itertools.product(IMBALANCE, (False, True)):
            before = seconds_left()
            if before < longest:
                return f"{done} of {tried} partitions were repaired"
            if by_zone:
                node_of = parts_of_zones(scorer, graph, weight, target, imbalance, seed)
            else:
                node_of = parts(graph, weight, target, imbalance, seed)
            tried += 1
            placed = repair(scorer, graph, node_of)
            if placed is not None:
                done += 1
                report(placed, f"{'zones, then nodes' if by_zone else 'nodes'}, imbalance {imbalance}, seed {seed}")
            longest = max(longest, before - seconds_left())


def replica_graph(scorer: Scorer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges between replicas that have a part of both services in common, as (replica, replica, traffic).

    Replica i of R has the interval i/R to (i + 1)/R of its service; two replicas talk for as long as theirs overlap.
    All edges weigh together what could stay on nodes.
    """
    ru, rv = scorer.replicas[scorer.u], scorer.replicas[scorer.v]
    edge = np.repeat(np.arange(len(ru)), ru * rv)
    pair = np.arange(len(edge)) - np.repeat(np.cumsum(ru * rv) - ru * rv, ru * rv)
    i, j = pair // rv[edge], pair % rv[edge]
    ru, rv = ru[edge], rv[edge]
    overlap = np.minimum((i + 1) / ru, (j + 1) / rv) - np.maximum(i / ru, j / rv)
    talks = overlap > 1e-9
    edge, i, j = edge[talks], i[talks], j[talks]
    return scorer.first[scorer.u[edge]] + i, scorer.first[scorer.v[edge]] + j, scorer.traffic[edge] * overlap[talks]


def parts(graph, weight, target, imbalance: float, seed: int) -> np.ndarray:
    """The part of each vertex."""
    import pymetis

    a, b, traffic = graph
    source = np.concatenate([a, b])
    order = np.argsort(source, kind="stable")
    start = np.searchsorted(source[order], np.arange(len(weight) + 1))
    # Whole numbers, whose sum METIS keeps in 32 bits.
    amount = np.maximum(1, np.rint(np.concatenate([traffic, traffic])[order] * (5e8 / max(1, traffic.sum()))))
    share = target / target.sum()
    options = pymetis.Options(ufactor=round(1000 * (imbalance - 1)), seed=seed)
    return np.array(pymetis.part_graph(
        len(target), xadj=start.astype(np.int32), adjncy=np.concatenate([b, a])[order].astype(np.int32),
        vweights=np.maximum(1, np.rint(weight / weight.sum() * 1e9 / 2)).astype(np.int32),
        eweights=amount.astype(np.int32), tpwgts=(share / share.sum()).tolist(), options=options).vertex_part)


def parts_of_zones(scorer: Scorer, graph, weight, target, imbalance: float, seed: int) -> np.ndarray:
    """First the zones, closely balanced, then the nodes of each."""
    a, b, traffic = graph
    zone_of = parts(graph, weight, np.bincount(scorer.zone, target), 1.02, seed)
    node_of = np.zeros(len(weight), dtype=np.int64)
    for zone in range(scorer.zones):
        nodes = np.flatnonzero(scorer.zone == zone)
        inside = np.flatnonzero(zone_of == zone)
        index = np.full(len(weight), -1)
        index[inside] = np.arange(len(inside))
        kept = (zone_of[a] == zone) & (zone_of[b] == zone)
        within = (index[a[kept]], index[b[kept]], traffic[kept])
        node_of[inside] = nodes[parts(within, weight[inside], target[nodes], imbalance, seed)]
    return node_of


def repair(scorer: Scorer, graph, node_of: np.ndarray) -> np.ndarray | None:
    """Takes away the replicas that break a rule, the cheapest first, and puts each to where it gains most; None where
    one of them fits nowhere."""
    a, b, traffic = graph
    same_node = node_of[a] == node_of[b]
    same_zone = scorer.zone[node_of[a]] == scorer.zone[node_of[b]]
    kept = traffic * (LEAVING_NODE * same_node + LEAVING_ZONE * same_zone)
    loss = np.bincount(a, kept, minlength=len(node_of)) + np.bincount(b, kept, minlength=len(node_of))
    evicted = np.zeros(len(node_of), dtype=bool)

    for service in scorer.cluster.apart:
        seen = set()
        these = range(scorer.first[service], scorer.first[service + 1])
        for replica in sorted(these, key=lambda r: -loss[r]):
            evicted[replica] = node_of[replica] in seen
            seen.add(node_of[replica])
    for service in scorer.cluster.spread:
        these = np.arange(scorer.first[service], scorer.first[service + 1])
        count, more = divmod(len(these), scorer.zones)
        zone_of = scorer.zone[node_of[these]]
        held = np.bincount(zone_of, minlength=scorer.zones)
        for rank, zone in enumerate(np.argsort(-held, kind="stable")):
            inside = these[zone_of == zone]
            surplus = len(inside) - count - (rank < more)
            if surplus > 0:
                evicted[inside[np.argsort(loss[inside], kind="stable")[:surplus]]] = True

    # Nodes are relieved of the replicas that lose least for what they request.
    room = scorer.capacity
    request = scorer.request[scorer.service]
    cheap = np.argsort(loss / (request / room.mean(axis=0)).max(axis=1), kind="stable")
    by_node = cheap[np.argsort(node_of[cheap], kind="stable")]
    by_node = by_node[~evicted[by_node]]
    bounds = np.searchsorted(node_of[by_node], np.arange(scorer.nodes + 1))
    for node in range(scorer.nodes):
        these = by_node[bounds[node]:bounds[node + 1]]
        over = request[these].sum(axis=0) - room[node]
        for replica in these:
            if (over <= 0).all():
                break
            if (request[replica][over > 0] > 0).any():
                evicted[replica] = True
                over -= request[replica]

    placing = Placing(scorer)
    placing.place_all(np.where(evicted, -1, node_of))
    wanted = np.bincount(a, traffic, minlength=len(node_of)) + np.bincount(b, traffic, minlength=len(node_of))
    out = np.flatnonzero(evicted)
    # What is large finds a place first where room is short; otherwise what has most to gain.
    for order in (-wanted[out], -(request[out] / room.mean(axis=0)).max(axis=1)):
        placed = fill(placing, out[np.argsort(order, kind="stable")])
        if placed:
            return placing.node_of
        placing.place_all(np.where(evicted, -1, node_of))
    return None


def fill(placing: Placing, replicas: np.ndarray) -> bool:
    for replica in replicas.tolist():
        service = placing.scorer.service[replica]
        nodes = placing.feasible(service)
        if not len(nodes):
            return False
        gain = placing.gain(service)[nodes]
        best = nodes[gain >= gain.max() * (1 - 1e-12)]
        placing.put(replica, best[placing.emptiest(best).argmax()])
    return True
