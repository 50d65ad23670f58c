#!/usr/bin/env python3
"""Proves the optima of the library of tight and awkward problems with OR-Tools CP-SAT.

    benchmarks/library.py                  # prove all of Tests/PlacementTests/Library/Instances, compare with the files
    benchmarks/library.py --limit 100 --only full --write

An instance says in `optimum` what is proven, or in `infeasible` that there is no placement. Where CP-SAT proves
something else than the file says, this fails. `--write` writes what is proven into files that do not say it yet.
"""

import argparse
import json
import math
from pathlib import Path

from ortools.sat.python import cp_model

INSTANCES = Path(__file__).resolve().parent.parent / "Tests/PlacementTests/Library/Instances"


class Model:
    """The placement ILP (Sources/Placement/Problem.swift) of one instance, all in integers."""

    def __init__(self, instance: dict):
        self.instance = instance
        self.nodes, self.workloads = instance["nodes"], instance["workloads"]
        self.resources = range(len(instance.get("resources", ["cpu"])))
        self.index = {workload["name"]: w for w, workload in enumerate(self.workloads)}
        self.replicas = [workload["replicas"] for workload in self.workloads]
        self.zones = list(dict.fromkeys(node.get("zone", "") for node in self.nodes))
        self.model = cp_model.CpModel()
        self.x = [[self.count(w, node) for node in self.nodes] for w in range(len(self.workloads))]
        for w, row in enumerate(self.x):
            self.model.add(sum(row) == self.replicas[w])
        for n, node in enumerate(self.nodes):
            for k in self.resources:
                load = sum(row[n] * workload["requests"][k] for row, workload in zip(self.x, self.workloads))
                self.model.add(load <= self.capacity(node, k))
        for rule in instance.get("rules", []):
            getattr(self, rule["rule"])(rule)
        # All shares are whole multiples of 1 / scale.
        edges = instance.get("edges", [])
        self.scale = math.lcm(*(self.replicas[self.index[u]] * self.replicas[self.index[v]] for u, v, _ in edges))
        cost = [self.traffic(*edge) for edge in edges] + [self.peak(), self.moves()]
        self.model.minimize(sum(cost))

    def capacity(self, node: dict, k: int) -> int:
        return max(0, node["allocatable"][k] - node.get("reserved", [0] * len(self.resources))[k])

    def count(self, w: int, node: dict):
        workload = self.workloads[w]
        most = min(workload["replicas"], workload.get("perNode", workload["replicas"]))
        if node["name"] not in workload.get("nodes", [node["name"]]):
            most = 0
        for k in self.resources:
            if workload["requests"][k] > 0:
                most = min(most, self.capacity(node, k) // workload["requests"][k])
        return self.model.new_int_var(0, most, "")

    def domains(self, w: int, kind: str) -> list:
        if kind == "node":
            return self.x[w]
        return [
            sum(x for x, node in zip(self.x[w], self.nodes) if node.get("zone", "") == zone) for zone in self.zones
        ]

    def presence(self, name: str, kind: str) -> list:
        present = []
        for count in self.domains(self.index[name], kind):
            present.append(self.model.new_bool_var(""))
            self.model.add(count >= 1).only_enforce_if(present[-1])
            self.model.add(count == 0).only_enforce_if(present[-1].Not())
        return present

    def atMost(self, rule: dict) -> None:
        for count in self.domains(self.index[rule["workload"]], rule["in"]):
            self.model.add(count <= rule["count"])

    def apart(self, rule: dict) -> None:
        for a, b in zip(self.presence(rule["workload"], rule["in"]), self.presence(rule["other"], rule["in"])):
            self.model.add_bool_or(a.Not(), b.Not())

    def together(self, rule: dict) -> None:
        others = [self.presence(other, rule["in"]) for other in rule["others"]]
        for d, present in enumerate(self.presence(rule["workload"], rule["in"])):
            self.model.add_bool_or(*(other[d] for other in others)).only_enforce_if(present)

    def spread(self, rule: dict) -> None:
        members = [self.domains(self.index[m], rule["in"]) for m in rule.get("members", [rule["workload"]])]
        total = [sum(counts) for counts in zip(*members)]
        least = self.model.new_int_var(0, sum(self.replicas), "")
        self.model.add_min_equality(least, [count + 0 * least for count in total])
        for count, present in zip(total, self.presence(rule["workload"], rule["in"])):
            self.model.add(count - least <= rule["maxSkew"]).only_enforce_if(present)

    def traffic(self, u: str, v: str, traffic: int):
        u, v = self.index[u], self.index[v]
        cost = 0
        for kind, step in (("node", 1), ("zone", self.instance.get("leavingZone", 0))):
            if step == 0 or (kind == "zone" and len(self.zones) == 1):
                continue
            pairs = self.replicas[u] * self.replicas[v]
            shares = []
            for a, b in zip(self.domains(u, kind), self.domains(v, kind)):
                shares.append(self.model.new_int_var(0, pairs, ""))
                self.model.add(shares[-1] <= self.replicas[v] * a)
                self.model.add(shares[-1] <= self.replicas[u] * b)
            cost += step * traffic * (self.scale // pairs) * (pairs - sum(shares))
        return cost

    def peak(self):
        weight = self.instance.get("utilization", 0)
        if weight == 0:
            return 0
        whole = self.nodes[0]["allocatable"][0]
        if weight % whole or any(node["allocatable"] != [whole] for node in self.nodes):
            raise SystemExit("utilization: wants like nodes with one resource, whose size divides the weight")
        peak = self.model.new_int_var(0, whole, "")
        for n in range(len(self.nodes)):
            load = sum(row[n] * workload["requests"][0] for row, workload in zip(self.x, self.workloads))
            self.model.add(peak >= load)
        return self.scale * (weight // whole) * peak

    def moves(self):
        left = []
        for row, workload in zip(self.x, self.workloads):
            for n, node in enumerate(self.nodes):
                runs = workload.get("runs", {}).get(node["name"], 0)
                if runs:
                    left.append(self.model.new_int_var(0, runs, ""))
                    self.model.add(left[-1] >= runs - row[n])
        if "maxMoves" in self.instance:
            self.model.add(sum(left) <= self.instance["maxMoves"])
        return self.scale * self.instance.get("move", 0) * sum(left)

    def prove(self, limit: float) -> tuple[str, float | None]:
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = limit
        status = solver.solve(self.model)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return solver.status_name(status).lower(), round(solver.objective_value) / self.scale
        return solver.status_name(status).lower(), None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60, help="seconds for each instance (default: 60)")
    parser.add_argument("--only", default="", help="only instances whose name starts so")
    parser.add_argument("--write", action="store_true", help="write what is proven into files that do not say it")
    arguments = parser.parse_args()
    wrong = []
    for path in sorted(INSTANCES.glob(f"{arguments.only}*.json")):
        instance = json.loads(path.read_text())
        known = "infeasible" if instance.get("infeasible") else instance.get("optimum")
        status, objective = Model(instance).prove(arguments.limit)
        print(f"{path.stem:20} {status:10} {'' if objective is None else f'{objective:.6g}':>10}  in the file: {known}")
        proven = {"optimal": objective, "infeasible": "infeasible"}.get(status)
        if proven is None:
            continue
        if known is None and arguments.write:
            line = '"infeasible": true' if proven == "infeasible" else f'"optimum": {json.dumps(proven)}'
            path.write_text(path.read_text().rstrip().removesuffix("}").rstrip() + f",\n  {line}\n}}\n")
        elif known is not None and proven != known and abs(proven - known) > 1e-9 * max(1, abs(known)):
            wrong.append(path.stem)
    if wrong:
        raise SystemExit(f"proven otherwise than the file says: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
