"""The placement ILP for other solvers: the same model as models/placement.mod with one resource and one zone.

Like nodes are put in the same order as Tonari puts them in: each service by its traffic, the next one only on a node
whose predecessor holds an earlier one. `ordered=False` leaves that out.

HiGHS and OR-Tools cannot be loaded into one process (OR-Tools brings a HiGHS of its own), so `run` gives each solve a
process of its own: this file, with the instance on standard input and the result on standard output.
"""

import dataclasses
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from instances import Instance


@dataclass
class Result:
    solver: str
    seconds: float
    objective: float | None = None
    bound: float | None = None
    optimal: bool = False
    counts: list[list[int]] | None = None


def run(solver: str, instance: Instance, limit: float, threads: int, ordered: bool = True) -> Result:
    """Solves with `highs` or `cp_sat` in a process of its own."""
    call = {"solver": solver, "instance": dataclasses.asdict(instance), "limit": limit, "threads": threads,
            "ordered": ordered}
    answer = subprocess.run(
        [sys.executable, __file__], input=json.dumps(call), capture_output=True, text=True, check=True).stdout
    return Result(**json.loads(answer))


def leaders(instance: Instance) -> list[int]:
    """Services by falling traffic."""
    busy = [0] * instance.services
    for u, v, traffic in instance.edges:
        busy[u] += traffic
        busy[v] += traffic
    return sorted(range(instance.services), key=lambda s: (-busy[s], s))


def order(instance: Instance):
    """Rows `sum(+) - sum(-) <= 0` over (service, node, coefficient) that put nodes in falling lexicographic order."""
    before: list[int] = []
    for service in leaders(instance):
        most = instance.replicas[service]
        for node in range(instance.nodes - 1):
            if most == 1:
                row = [(service, later, 1) for later in range(node + 1, instance.nodes)]
                row += [(earlier, node, -1) for earlier in before]
            else:
                row = [(service, node + 1, 1), (service, node, -1)] + [(earlier, node, -most) for earlier in before]
            yield row
        before.append(service)


def highs(instance: Instance, limit: float, threads: int, ordered: bool = True) -> Result:
    import highspy
    import numpy

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", limit)
    solver.setOptionValue("threads", threads)
    solver.setOptionValue("mip_rel_gap", 1e-7)
    infinity = highspy.kHighsInf
    columns = instance.services * instance.nodes

    def x(service: int, node: int) -> int:
        return service * instance.nodes + node

    def z(edge: int, node: int) -> int:
        return columns + edge * instance.nodes + node

    for service in range(instance.services):
        for _ in range(instance.nodes):
            solver.addVar(0, instance.replicas[service])
    for column in range(columns):
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    for _, _, traffic in instance.edges:
        for _ in range(instance.nodes):
            solver.addVar(0, 1)
            solver.changeColCost(solver.getNumCol() - 1, -traffic)

    def row(lower: float, upper: float, entries: list[tuple[int, float]]) -> None:
        indices = numpy.array([column for column, _ in entries], dtype=numpy.int32)
        values = numpy.array([value for _, value in entries], dtype=numpy.double)
        solver.addRow(lower, upper, len(entries), indices, values)

    for service in range(instance.services):
        count = instance.replicas[service]
        row(count, count, [(x(service, node), 1) for node in range(instance.nodes)])
    for node in range(instance.nodes):
        row(-infinity, instance.capacity, [(x(s, node), instance.request[s]) for s in range(instance.services)])
    for edge, (u, v, _) in enumerate(instance.edges):
        for node in range(instance.nodes):
            for end in (u, v):
                row(0, infinity, [(x(end, node), 1), (z(edge, node), -instance.replicas[end])])
    if ordered:
        for entries in order(instance):
            row(-infinity, 0, [(x(service, node), value) for service, node, value in entries])

    start = time.monotonic()
    solver.run()
    result = Result("HiGHS" if ordered else "HiGHS, plain", time.monotonic() - start)
    info = solver.getInfo()
    total = sum(traffic for _, _, traffic in instance.edges)
    if math.isfinite(info.mip_dual_bound):
        result.bound = max(0, total + info.mip_dual_bound)
    result.optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    values = solver.getSolution().col_value
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        result.counts = [
            [round(values[x(s, n)]) for n in range(instance.nodes)] for s in range(instance.services)
        ]
    return result


def cp_sat(instance: Instance, limit: float, threads: int, ordered: bool = True) -> Result:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    x = [
        [model.new_int_var(0, instance.replicas[s], "") for _ in range(instance.nodes)]
        for s in range(instance.services)
    ]
    for service, row in enumerate(x):
        model.add(sum(row) == instance.replicas[service])
    for node in range(instance.nodes):
        model.add(sum(instance.request[s] * x[s][node] for s in range(instance.services)) <= instance.capacity)
    # Whole numbers only: a share is counted in 1 / (R_u · R_v), and the objective in 1 over all of these.
    unit = math.lcm(*(instance.replicas[u] * instance.replicas[v] for u, v, _ in instance.edges))
    local = []
    for u, v, traffic in instance.edges:
        ru, rv = instance.replicas[u], instance.replicas[v]
        for node in range(instance.nodes):
            share = model.new_int_var(0, ru * rv, "")
            model.add(share <= rv * x[u][node])
            model.add(share <= ru * x[v][node])
            local.append(share * (traffic * unit // (ru * rv)))
    if ordered:
        for entries in order(instance):
            model.add(sum(value * x[service][node] for service, node, value in entries) <= 0)
    model.maximize(sum(local))

    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.num_workers = threads
    start = time.monotonic()
    status = solver.solve(model)
    result = Result("CP-SAT" if ordered else "CP-SAT, plain", time.monotonic() - start)
    total = sum(traffic for _, _, traffic in instance.edges)
    result.optimal = status == cp_model.OPTIMAL
    result.bound = max(0, total - solver.best_objective_bound / unit)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        result.counts = [[solver.value(cell) for cell in row] for row in x]
    return result


def glpsol(instance: Instance, model: Path, data: Path, limit: float) -> Result:
    """GLPK's command line on the exported model, with the options that help it most. It has one thread."""
    command = ["glpsol", "--cuts", "--fpump", "--pcost", "--tmlim", str(round(limit)), "-m", model, "-d", data]
    start = time.monotonic()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = Result("glpsol, plain", time.monotonic() - start)
    result.optimal = "INTEGER OPTIMAL SOLUTION FOUND" in output
    # "+  1234: mip =   5.0e+02 >=   4.0e+02  20.0% (…)"
    progress = [line for line in output.splitlines() if line.startswith("+") and ">=" in line]
    if progress:
        bound = progress[-1].split(">=", 1)[1].split()[0]
        try:
            result.bound = max(0, float(bound))
        except ValueError:
            pass  # "tree is empty": the objective is the bound
    counts = [[0] * instance.nodes for _ in range(instance.services)]
    for line in output.splitlines():
        name, colon, rest = line.partition(":")
        if colon and name.startswith("node-"):
            words = rest.split()
            for workload, count in zip(words[::2], words[1::2]):
                counts[int(workload.rsplit("service-", 1)[1])][int(name.removeprefix("node-"))] = int(count)
    if any(map(any, counts)):
        result.counts = counts
    return result


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    solve = {"highs": highs, "cp_sat": cp_sat}[asked["solver"]]
    answered = solve(Instance(**asked["instance"]), asked["limit"], asked["threads"], asked["ordered"])
    json.dump(dataclasses.asdict(answered), sys.stdout)
