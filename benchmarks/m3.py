#!/usr/bin/env python3
"""Tonari on a production cluster: `rasa/M3.json` of TONARI_REAL_DATA (547 services, 3,485 containers, 96 machines).

    benchmarks/m3.py                        # convert, plan with --profile traffic for 60 s, verify
    benchmarks/m3.py --limit 300 --keep DIR
    benchmarks/m3.py --convert DIR          # only write cluster.json and traffic.csv
    benchmarks/m3.py --verify plan.json     # only verify a plan

The data are fractions of the whole; amounts are counted in 1e-12 of it: what a machine has is rounded down and what a
container requests is rounded up, so that a plan that fits here fits there. Verification takes nothing from Tonari but
the placements: it counts containers, adds up requests in the original numbers and recomputes the localized share
(RASA's gained affinity, Σ_e w_e Σ_machine min(x_a/d_a, x_b/d_b)).
"""

import argparse
import json
import math
import os
import subprocess
import tempfile
import time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

from instances import deployment, write_traffic

HERE = Path(__file__).resolve().parent
TONARI = Path(os.environ.get("TONARI", HERE.parent / ".build/release/tonari"))
PUBLISHED = [
    ("production, as it was", 0.06995),
    ("POP", 0.1343),
    ("min-cut heuristic (ApplSci'19)", 0.5816),
    ("best committed (RASA, Gurobi)", 0.84947),
]


def scaled(amount: Decimal, rounding: str) -> int:
    return int((amount * 10**12).to_integral_value(rounding))


class Cluster:
    """The original numbers, exactly as they are written in the file."""

    def __init__(self, path: Path):
        data = json.loads(path.read_text(), parse_float=Decimal)
        self.machines = data["MachineList"]
        self.services = {service["Service"]: service for service in data["ServiceList"]}
        self.traffic = [(edge["Service1"], edge["Service2"], edge["Traffic"]) for edge in data["TrafficList"]]
        restricted = [name for name, s in self.services.items() if s["CompatibleMachines"] != "*"]
        if restricted:
            raise SystemExit(f"{len(restricted)} services name their machines, which is not converted")

    def replicas(self, service: str) -> int:
        return len(self.services[service]["ContainerList"])

    def rounding(self) -> float:
        """How much more of the machines the rounded requests need, and the rounded machines lack, at most."""
        need = have = lost = Decimal(0)
        for kind in ("CPU", "Mem"):
            for service in self.services.values():
                request = service[f"Request{kind}"]
                need += request * len(service["ContainerList"])
                lost += (scaled(request, ROUND_CEILING) - request * 10**12) * len(service["ContainerList"])
            for machine in self.machines:
                have += machine[f"Total{kind}"]
                lost += machine[f"Total{kind}"] * 10**12 - scaled(machine[f"Total{kind}"], ROUND_FLOOR)
        return float(lost / 10**12 / min(need, have))

    def convert(self, folder: Path) -> None:
        """Writes cluster.json, with the pods where they run, and traffic.csv."""
        items = []
        for index, machine in enumerate(self.machines):
            cpu, memory = scaled(machine["TotalCPU"], ROUND_FLOOR), scaled(machine["TotalMem"], ROUND_FLOOR)
            items.append({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": f"machine-{index}"},
                "status": {"allocatable": {"cpu": f"{cpu}m", "memory": str(memory), "pods": "10000"}},
            })
        service_of = {}
        for name, service in self.services.items():
            cpu, memory = scaled(service["RequestCPU"], ROUND_CEILING), scaled(service["RequestMem"], ROUND_CEILING)
            items.append(deployment(name.lower(), self.replicas(name), {"cpu": f"{cpu}m", "memory": str(memory)}))
            service_of |= {container: (name, items[-1]) for container in service["ContainerList"]}
        for index, machine in enumerate(self.machines):
            for container in machine["InitialDeployingContainers"]:
                name, owner = service_of[container]
                template = owner["spec"]["template"]
                items.append({
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {
                        "namespace": "default",
                        "name": container.lower(),
                        "labels": template["metadata"]["labels"],
                        "ownerReferences": [{
                            "apiVersion": "apps/v1", "kind": "Deployment", "name": name.lower(), "controller": True}],
                    },
                    "spec": {"nodeName": f"machine-{index}", **template["spec"]},
                    "status": {"phase": "Running"},
                })
        (folder / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        # The weights sum to 1. The localized share is the same in any unit.
        write_traffic(
            folder / "traffic.csv",
            [(u.lower(), v.lower(), f"{weight * 10**9:f}") for u, v, weight in self.traffic])

    def counts(self, plan: dict) -> dict[str, dict[int, int]]:
        """Containers of each service by machine."""
        names = {name.lower(): name for name in self.services}
        counts: dict[str, dict[int, int]] = {name: {} for name in self.services}
        for placement in plan["spec"]["placements"]:
            service = names[placement["workload"]["name"]]
            for place in placement["nodes"]:
                counts[service][int(place["name"].removeprefix("machine-"))] = place["replicas"]
        return counts

    def verify(self, plan: dict) -> dict:
        """Recomputes all from the placements; raises where a container is missing or a machine is too full."""
        counts = self.counts(plan)
        for service, places in counts.items():
            if sum(places.values()) != self.replicas(service) or min(places.values(), default=0) < 0:
                raise SystemExit(f"{service}: {sum(places.values())} of {self.replicas(service)} containers placed")
        fullest = Decimal(0)
        for index, machine in enumerate(self.machines):
            for kind in ("CPU", "Mem"):
                load = sum(
                    self.services[service][f"Request{kind}"] * places[index]
                    for service, places in counts.items() if index in places)
                if load > machine[f"Total{kind}"]:
                    raise SystemExit(f"machine-{index}: {load} of {machine[f'Total{kind}']} {kind}")
                fullest = max(fullest, load / machine[f"Total{kind}"])
        gained = math.fsum(
            float(weight) * sum(
                min(count / self.replicas(u), counts[v].get(machine, 0) / self.replicas(v))
                for machine, count in counts[u].items())
            for u, v, weight in self.traffic)
        return {
            "localized": gained / math.fsum(float(weight) for _, _, weight in self.traffic),
            "containers": sum(sum(places.values()) for places in counts.values()),
            "machines": len({machine for places in counts.values() for machine, n in places.items() if n}),
            "fullest": float(fullest),
        }


def report(figures: dict, plan: dict, seconds: float | None) -> None:
    status = plan["status"]
    print(f"  {figures['containers']} containers placed, no machine over its capacity (fullest {figures['fullest']:.4f})")
    for name, share in PUBLISHED:
        print(f"  {name:34} {100 * share:7.3f} %   ours: × {figures['localized'] / share:.3f}")
    bound = 1 - status["lowerBound"] / status["traffic"]["total"]
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    print(f"  {'tonari':34} {100 * figures['localized']:7.3f} % on {figures['machines']} machines{took}; "
          f"no placement has over {100 * bound:.2f} %")
    claimed = status["traffic"]["localizedShare"]["node"]
    if abs(claimed - figures["localized"]) > 1e-6:
        raise SystemExit(f"the plan claims {claimed}, verified are {figures['localized']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="M3.json (default: in TONARI_REAL_DATA)")
    parser.add_argument("--convert", type=Path, metavar="DIR", help="write the inputs and stop")
    parser.add_argument("--verify", type=Path, metavar="PLAN", help="verify this PlacementPlan (JSON) and stop")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave inputs and plan here")
    parser.add_argument("--limit", type=float, default=60, help="seconds (default: 60)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()

    data = arguments.data
    if data is None:
        if "TONARI_REAL_DATA" not in os.environ:
            raise SystemExit("name M3.json with --data, or its folder's parent with TONARI_REAL_DATA")
        data = Path(os.environ["TONARI_REAL_DATA"]) / "rasa/M3.json"
    cluster = Cluster(data)
    if arguments.convert:
        arguments.convert.mkdir(parents=True, exist_ok=True)
        cluster.convert(arguments.convert)
        return
    if arguments.verify:
        plan = json.loads(arguments.verify.read_text())
        report(cluster.verify(plan), plan, None)
        return

    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        cluster.convert(folder)
        print(f"M3: rounding takes {cluster.rounding():.1e} of the room")
        start = time.monotonic()
        output = subprocess.run(
            [TONARI, "plan", "--cluster", folder / "cluster.json", "--traffic", folder / "traffic.csv",
             "--profile", "traffic", "--threads", str(arguments.threads), "--time-limit", f"{arguments.limit:g}s",
             "-o", "json", "-q"],
            stdout=subprocess.PIPE, text=True, check=True).stdout
        seconds = time.monotonic() - start
        plan = json.loads(output)
        (folder / "plan.json").write_text(output)
        figures = cluster.verify(plan)
        report(figures, plan, seconds)
        if arguments.out:
            arguments.out.write_text(json.dumps(figures | {"seconds": seconds, "limit": arguments.limit}))


if __name__ == "__main__":
    main()
