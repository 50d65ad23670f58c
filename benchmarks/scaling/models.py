"""The placement model for HiGHS and OR-Tools CP-SAT, at the size of clusters.

Variables are the replicas of each service on each node and, for each edge, what of it stays on each node and in each
zone. The solvers get all the time for themselves: Python's building of the model is not counted, but ends after a
minute. With a start they are given the greedy scheduler's placement.
"""

import time

import numpy as np

from . import greedy
from .scoring import LEAVING_NODE, LEAVING_ZONE, Scorer

THREADS = 2
PATIENCE = 60  # seconds for building a model


class Model:
    """The columns: replicas on nodes, replicas in zones, local shares on nodes, local shares in zones."""

    def __init__(self, scorer: Scorer):
        services, nodes, zones, edges = scorer.services, scorer.nodes, scorer.zones, len(scorer.u)
        self.on_node = np.arange(services * nodes).reshape(services, nodes)
        self.in_zone = services * nodes + np.arange(services * zones).reshape(services, zones)
        self.local = self.in_zone[-1, -1] + 1 + np.arange(edges * nodes).reshape(edges, nodes)
        self.zonal = self.local[-1, -1] + 1 + np.arange(edges * zones).reshape(edges, zones)
        self.columns = int(self.zonal[-1, -1]) + 1
        self.scorer = scorer

        self.most = np.ones(services, dtype=np.int64) * scorer.replicas
        self.most[scorer.cluster.apart] = 1
        self.zone_least = np.zeros(services, dtype=np.int64)
        self.zone_most = scorer.replicas.copy()
        spread = scorer.cluster.spread
        self.zone_least[spread] = scorer.replicas[spread] // zones
        self.zone_most[spread] = -(-scorer.replicas[spread] // zones)

    def counts(self, node_of: np.ndarray) -> np.ndarray:
        scorer = self.scorer
        cells = np.bincount(scorer.service * scorer.nodes + node_of, minlength=self.on_node.size)
        return cells.reshape(self.on_node.shape)

    def node_of(self, counts: np.ndarray) -> np.ndarray:
        """The node of each replica, services in order."""
        services, nodes = np.nonzero(counts)
        return np.repeat(nodes, counts[services, nodes])


def started(scorer: Scorer) -> np.ndarray | None:
    """What the greedy scheduler makes of it."""
    best = []
    greedy.affinity(scorer, lambda node_of, _: best.append((scorer.figures(node_of)["objective"], node_of)),
                    lambda: 1.0)
    return min(best, key=lambda pair: pair[0])[1] if best else None


def highs(scorer: Scorer, report, seconds: float, with_start: bool = False) -> str:
    import highspy

    begun = time.monotonic()
    model = Model(scorer)
    lp = highspy.HighsLp()
    infinity = highspy.kHighsInf
    rows = Rows()
    replicas = scorer.replicas
    # All placed; counted in zones; capacities; shares.
    rows.add(model.on_node, 1.0, replicas, replicas)
    for zone in range(scorer.zones):
        inside = model.on_node[:, scorer.zone == zone]
        indices = np.hstack([inside, model.in_zone[:, [zone]]])
        values = np.ones(indices.shape)
        values[:, -1] = -1
        rows.add(indices, values, 0, 0)
    for k in range(scorer.request.shape[1]):
        rows.add(model.on_node.T, np.broadcast_to(scorer.request[:, k], model.on_node.T.shape), -infinity,
                 scorer.capacity[:, k])
    for shares, counts in ((model.local, model.on_node), (model.zonal, model.in_zone)):
        for end in (scorer.u, scorer.v):
            indices = np.stack([counts[end].ravel(), shares.ravel()], axis=1)
            values = np.ones(indices.shape)
            values[:, 1] = -np.repeat(replicas[end], shares.shape[1])
            rows.add(indices, values, 0, infinity)
    lp.num_col_ = model.columns
    cost = np.zeros(model.columns)
    cost[model.local] = -LEAVING_NODE * scorer.traffic[:, None]
    cost[model.zonal] = -LEAVING_ZONE * scorer.traffic[:, None]
    lower, upper = np.zeros(model.columns), np.ones(model.columns)
    upper[model.on_node] = model.most[:, None]
    lower[model.in_zone], upper[model.in_zone] = model.zone_least[:, None], model.zone_most[:, None]
    integrality = np.zeros(model.columns, dtype=np.uint8)
    integrality[model.on_node] = 1
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.integrality_ = [highspy.HighsVarType(int(kind)) for kind in integrality]
    rows.into(lp, highspy)

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", THREADS)
    if solver.passModel(lp) == highspy.HighsStatus.kError:
        return "HiGHS refused the model"
    del lp, rows
    if with_start:
        start = started(scorer)
        if start is not None:
            indices = model.on_node.ravel().astype(np.int32)
            solver.setSolution(len(indices), indices, model.counts(start).ravel().astype(float))
    built = time.monotonic() - begun

    run_begun = time.monotonic()
    size = model.on_node.size

    def found(values) -> None:
        counts = np.rint(np.array(values)[:size]).astype(np.int64).reshape(model.on_node.shape)
        report(model.node_of(counts), "", time.monotonic() - run_begun)

    solver.cbMipImprovingSolution.subscribe(lambda event: found(event.data_out.mip_solution))
    solver.setOptionValue("time_limit", seconds)
    solver.run()
    if solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        found(solver.getSolution().col_value)
    return f"{model.columns:,} variables, built in {built:.0f} s, which is not counted"


class Rows:
    """Rows of a sparse matrix, gathered in blocks whose rows have equally many entries."""

    def __init__(self):
        self.blocks = []

    def add(self, indices: np.ndarray, values, lower, upper) -> None:
        count, length = indices.shape
        values = np.broadcast_to(np.asarray(values, dtype=float), indices.shape)
        lower = np.broadcast_to(np.asarray(lower, dtype=float), count)
        upper = np.broadcast_to(np.asarray(upper, dtype=float), count)
        self.blocks.append((indices.astype(np.int32), values, lower, upper, length))

    def into(self, lp, highspy) -> None:
        lengths = np.concatenate([np.full(len(block[0]), block[4]) for block in self.blocks])
        lp.num_row_ = len(lengths)
        lp.row_lower_ = np.concatenate([block[2] for block in self.blocks])
        lp.row_upper_ = np.concatenate([block[3] for block in self.blocks])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        lp.a_matrix_.index_ = np.concatenate([block[0].ravel() for block in self.blocks])
        lp.a_matrix_.value_ = np.concatenate([block[1].ravel() for block in self.blocks])


def cp_sat(scorer: Scorer, report, seconds: float, with_start: bool = False) -> str:
    from ortools.sat.python import cp_model

    begun = time.monotonic()
    made = 0

    def too_slow() -> bool:
        return time.monotonic() - begun > PATIENCE

    shapes = Model(scorer)
    model = cp_model.CpModel()
    x = []
    for service in range(scorer.services):
        most = int(shapes.most[service])
        x.append([model.new_int_var(0, most, "") for _ in range(scorer.nodes)])
        model.add(cp_model.LinearExpr.sum(x[-1]) == int(scorer.replicas[service]))
        made += scorer.nodes
        if too_slow():
            return f"{made:,} of {shapes.columns:,} variables were made in {PATIENCE} s"
    zone_nodes = [np.flatnonzero(scorer.zone == zone).tolist() for zone in range(scorer.zones)]
    y = []
    for service in range(scorer.services):
        least, most = int(shapes.zone_least[service]), int(shapes.zone_most[service])
        y.append([model.new_int_var(least, most, "") for _ in range(scorer.zones)])
        for zone, nodes in enumerate(zone_nodes):
            model.add(cp_model.LinearExpr.sum([x[service][n] for n in nodes]) == y[service][zone])
    for node in range(scorer.nodes):
        column = [row[node] for row in x]
        for k in range(scorer.request.shape[1]):
            amounts = scorer.request[:, k].tolist()
            model.add(cp_model.LinearExpr.weighted_sum(column, amounts) <= int(scorer.capacity[node, k]))
        if too_slow():
            return f"{made:,} of {shapes.columns:,} variables were made in {PATIENCE} s"
    # Whole numbers only: a share is counted in 1 / (R_u · R_v), and the objective in 1/2520 of a byte per second.
    shares, weights = [], []
    for u, v, traffic in zip(scorer.u.tolist(), scorer.v.tolist(), scorer.traffic.tolist()):
        ru, rv = int(scorer.replicas[u]), int(scorer.replicas[v])
        unit = 2520 * traffic / (ru * rv)
        for cells_u, cells_v, step in ((x[u], x[v], LEAVING_NODE), (y[u], y[v], LEAVING_ZONE)):
            for a, b in zip(cells_u, cells_v):
                share = model.new_int_var(0, ru * rv, "")
                model.add(share <= rv * a)
                model.add(share <= ru * b)
                shares.append(share)
                weights.append(round(step * unit))
        made += scorer.nodes
        if too_slow():
            return f"{made:,} of {shapes.columns:,} variables were made in {PATIENCE} s"
    model.maximize(cp_model.LinearExpr.weighted_sum(shares, weights))
    if with_start:
        start = started(scorer)
        if start is not None:
            for row, counts in zip(x, shapes.counts(start).tolist()):
                for cell, count in zip(row, counts):
                    model.add_hint(cell, count)
    built = time.monotonic() - begun
    run_begun = time.monotonic()

    class Ear(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            counts = np.array([[self.value(cell) for cell in row] for row in x])
            report(shapes.node_of(counts), "", time.monotonic() - run_begun)

    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = THREADS
    solver.solve(model, Ear())
    return f"{shapes.columns:,} variables, built in {built:.0f} s, which is not counted"
