#!/usr/bin/env python3
"""Tonari beside HiGHS, OR-Tools CP-SAT and glpsol: time to a proof, and the best placement within a time.

    benchmarks/proof.py                      # all instances, 60 s each
    benchmarks/proof.py --only sparse-24x4 --seeds 1 --limit 10
    benchmarks/proof.py --large --solvers tonari,highs --seeds 1

Solvers take turns on each instance, with two threads each; what they answer is checked and scored here. Tonari's time
is that of the whole command, reading included; that of HiGHS and CP-SAT is their solver's alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers
from instances import Instance, power_law, sparse

HERE = Path(__file__).resolve().parent
TONARI = Path(os.environ.get("TONARI", HERE.parent / ".build/release/tonari"))


def tonari(instance: Instance, folder: Path, limit: float, threads: int, prove: bool) -> peers.Result:
    command = [TONARI, "plan", "--cluster", folder / "cluster.json", "--traffic", folder / "traffic.csv"]
    command += ["--profile", "traffic", "--threads", str(threads), "--time-limit", f"{limit:g}s", "-o", "json", "-q"]
    if prove:
        command.append("--prove")
    start = time.monotonic()
    plan = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    result = peers.Result("tonari", time.monotonic() - start)
    result.optimal = plan["status"]["optimal"]
    result.bound = plan["status"]["lowerBound"]
    result.counts = instance.counts(plan)
    return result


def compare(instance: Instance, arguments, prove: bool) -> dict:
    print(f"\n{instance.name}: {instance.services} services, {instance.nodes} nodes, {len(instance.edges)} edges")
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instance.write(folder)
        # Planning is short here; only the exported model is wanted.
        subprocess.run(
            [TONARI, "plan", "--cluster", folder / "cluster.json", "--traffic", folder / "traffic.csv", "--profile",
             "traffic", "--effort", "1", "--export-model", folder, "-q"],
            check=True, stdout=subprocess.DEVNULL)
        limit, threads = arguments.limit, arguments.threads
        turns = {
            "tonari": lambda: tonari(instance, folder, limit if prove else arguments.search, threads, prove),
            "highs": lambda: peers.run("highs", instance, limit, threads),
            "cp-sat": lambda: peers.run("cp_sat", instance, limit, threads),
            "glpsol": lambda: peers.glpsol(
                instance, HERE.parent / "models/placement.mod", folder / "placement.dat", limit),
            "highs-plain": lambda: peers.run("highs", instance, limit, threads, ordered=False),
            "cp-sat-plain": lambda: peers.run("cp_sat", instance, limit, threads, ordered=False),
        }
        for turn in arguments.solvers:
            result = turns[turn]()
            if result.counts is not None:
                result.objective = instance.cut(result.counts)
            if result.optimal:
                result.bound = result.objective
            results.append(result)

    best = min((r.objective for r in results if r.objective is not None), default=None)
    ours = next((r for r in results if r.solver == "tonari"), None)
    print(f"  {'':14} {'seconds':>9} {'× tonari':>9} {'cut':>10} {'over best':>10} {'bound':>10}")
    for r in results:
        ratio = f"{r.seconds / ours.seconds:9.2f}" if ours else f"{'':9}"
        cut = f"{r.objective:10.2f}" if r.objective is not None else f"{'–':>10}"
        over = f"{100 * (r.objective - best) / best:9.2f}%" if r.objective is not None and best else f"{'–':>10}"
        bound = f"{r.bound:10.2f}" if r.bound is not None else f"{'–':>10}"
        print(f"  {r.solver:14} {r.seconds:9.2f} {ratio} {cut} {over} {bound} {'proven' if r.optimal else ''}")
    sys.stdout.flush()
    proven = {round(r.objective, 6) for r in results if r.optimal and r.objective is not None}
    if len(proven) > 1 or (proven and best < min(proven) - 1e-4):
        raise SystemExit(f"{instance.name}: the proofs contradict each other: {sorted(proven)}, best {best}")
    return {
        "instance": instance.name,
        "results": [{k: v for k, v in vars(r).items() if k != "counts"} for r in results],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60, help="seconds for each solver (default: 60)")
    parser.add_argument("--search", type=float, default=5, help="seconds for tonari on 100x10 (default: 5)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3, help="instances of each kind (default: 3)")
    parser.add_argument("--large", action="store_true", help="prove 60x8 and 100x10 instead of the smaller ones")
    parser.add_argument("--only", default="", help="only instances whose name starts so")
    parser.add_argument(
        "--solvers", type=lambda text: text.split(","), default=["tonari", "highs", "cp-sat", "glpsol"],
        help="in which turns: tonari, highs, cp-sat, glpsol, highs-plain, cp-sat-plain")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    if not os.access(TONARI, os.X_OK):
        raise SystemExit(f"{TONARI}: not found; build it with: swift build -c release")

    seeds = range(1, arguments.seeds + 1)
    if arguments.large:
        instances = [(sparse(60, 8, s), True) for s in seeds] + [(power_law(60, 8, s), True) for s in seeds]
        instances += [(sparse(60, 8, s, replicas=3), True) for s in seeds]
        instances += [(power_law(100, 10, s), True) for s in seeds]
    else:
        instances = [(sparse(24, 4, s), True) for s in seeds] + [(sparse(30, 5, s), True) for s in seeds]
        instances += [(sparse(24, 4, s, replicas=3), True) for s in seeds]
        instances += [(power_law(100, 10, s), False) for s in seeds]
    figures = [compare(i, arguments, prove) for i, prove in instances if i.name.startswith(arguments.only)]
    if arguments.out:
        arguments.out.write_text(json.dumps({"limit": arguments.limit, "threads": arguments.threads, "runs": figures}))


if __name__ == "__main__":
    main()
