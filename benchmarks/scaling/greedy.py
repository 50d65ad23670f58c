"""Schedulers that place one pod after another as it comes, and never look back."""

import numpy as np

from .placing import Placing
from .scoring import Scorer

# How often a try begins anew for a pod that found no node.
RESTARTS = 30


def affinity(scorer: Scorer, report, seconds_left) -> str:
    """Each pod goes to the feasible node with the most traffic to it, the emptiest one of several.

    That is how published plugins score: by the traffic between the pod and those that run on a node, some with the
    costs of zones. The deployments come as they are listed, by falling traffic, or along the heaviest edges; with the
    traffic of pairs of pods, or with what the objective would gain. All of these are tried while there is time, the
    best counts.
    """
    traffic = np.bincount(scorer.u, scorer.traffic, minlength=scorer.services)
    traffic += np.bincount(scorer.v, scorer.traffic, minlength=scorer.services)
    heaviest = np.argsort(-scorer.traffic, kind="stable")
    along = np.column_stack([scorer.u[heaviest], scorer.v[heaviest]]).ravel()
    orders = {
        "along edges": np.concatenate([
            along[np.sort(np.unique(along, return_index=True)[1])],
            np.flatnonzero(traffic == 0),
        ]),
        "by traffic": np.argsort(-traffic, kind="stable"),
        "as listed": np.arange(scorer.services),
    }
    scores = {
        "pairs": lambda placing, service: placing.pair_traffic(service, zones=False),
        "pairs with zones": lambda placing, service: placing.pair_traffic(service, zones=True),
        "gain": lambda placing, service: placing.gain(service),
    }
    done = tried = 0
    for order in orders:
        for score in scores:
            if seconds_left() < 0:
                return f"{done} of {tried} orders and scores placed all pods; stopped by the time"
            tried += 1
            node_of = in_order(scorer, orders[order], scores[score], seconds_left)
            if node_of is not None:
                done += 1
                report(node_of, f"{score}, {order}")
    return f"{done} of {tried} orders and scores placed all pods"


def in_order(scorer: Scorer, order: np.ndarray, score, seconds_left) -> np.ndarray | None:
    """One pod after another by a score, the emptiest node deciding between equals.

    Where a pod finds no node, as some do among nodes filled so greedily, all begins anew with its deployment first;
    where it is one that is spread over zones, with all of those first. None where that does not help soon.
    """
    stuck: list[int] = []
    for _ in range(RESTARTS + 1):
        placing = Placing(scorer)
        services = stuck + order[~np.isin(order, stuck)].tolist()
        failed = next((s for s in services if seconds_left() < 0 or not place(placing, s, score)), None)
        if failed is None:
            return placing.node_of
        if seconds_left() < 0:
            return None
        alike = np.isin(order, scorer.cluster.spread) if placing.is_spread[failed] else order == failed
        new = order[alike & ~np.isin(order, stuck)].tolist() or [failed]
        stuck = new + [service for service in stuck if service != failed]
    return None


def place(placing: Placing, service: int, score) -> bool:
    """All pods of a deployment; false where one finds no node."""
    for replica in range(placing.scorer.first[service], placing.scorer.first[service + 1]):
        nodes = placing.feasible(service)
        if not len(nodes):
            return False
        scores = score(placing, service)[nodes]
        best = nodes[scores >= scores.max() * (1 - 1e-12)]
        placing.put(replica, best[placing.emptiest(best).argmax()] if len(best) > 1 else best[0])
    return True


def spread(scorer: Scorer, report, seconds_left) -> str:
    """The default scheduler: LeastAllocated, BalancedAllocation and, with weight 2, PodTopologySpread's defaults."""
    placing = Placing(scorer)
    rng = np.random.default_rng(1)
    capacity = placing.capacity[:2]
    for replica, service in enumerate(scorer.service.tolist()):
        if seconds_left() < 0:
            return f"stopped by the time after {replica} of {len(scorer.service)} pods"
        nodes = placing.feasible(service)
        if not len(nodes):
            return f"pod {replica} of {len(scorer.service)} found no node"
        used = 1 - (placing.free[:2, nodes] - scorer.request[service, :2, None]) / capacity[:, nodes]
        scores = (100 * (1 - used)).astype(int).sum(axis=0) // 2
        scores += (100 * (1 - np.abs(used[0] - used[1]) / 2)).astype(int)
        if not placing.is_spread[service]:
            hosts = np.bincount(placing.hosts(service), minlength=scorer.nodes)[nodes]
            zones = placing.in_zone[service][scorer.zone[nodes]]
            crowd = np.rint(hosts * np.log(len(nodes) + 2) + 2 + zones * np.log(scorer.zones + 2) + 4)
            scores += 2 * (100 * (crowd.max() + crowd.min() - crowd) / crowd.max()).astype(int)
        best = nodes[scores == scores.max()]
        placing.put(replica, rng.choice(best))
    report(placing.node_of, "")
    return ""
