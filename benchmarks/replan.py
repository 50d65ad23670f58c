#!/usr/bin/env python3
"""Planning again after a little has changed, beside planning anew.

    "$(benchmarks/setup.sh)" benchmarks/replan.py --out replan.json   # 10,000 services on 1,000 nodes; five minutes
    benchmarks/replan.py --size 1000x100 --first 10 --out replan.json
    benchmarks/replan.py --table replan.json         # the table again
    benchmarks/replan.py --readme replan.json        # the table into README.md

A plan of a minute is taken as what runs. Then the traffic of 1 % of the edges is drawn anew, or 1 % of the nodes go
with all that runs there and new ones come. `tonari plan --max-moves` plans again within two seconds, and, without
knowing what runs, for as long as at first. All are verified and scored by scaling/scoring.py, moves are counted here.
"""

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path

from instances import Cluster, cluster, size
from scaling import tables
from scaling.process import watch
from scaling.scoring import Scorer

HERE = Path(__file__).resolve().parent
TONARI = Path(os.environ.get("TONARI", HERE.parent / ".build/release/tonari")).absolute()
# Shares of the replicas that may move, for the curve; the last but one is the target.
CURVE = (0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)


def plan(changed: Cluster, folder: Path, limit: float, threads: int, most: int | None = None) -> tuple[dict, list]:
    """Plans a cluster as written in the folder; figures, and (node, replicas) by service."""
    command = [TONARI, "plan", "-c", "cluster.json", "-t", "traffic.csv", "--profile", "traffic", "--threads", threads,
               "--time-limit", f"{limit:g}s", "--out", "plan.json", "-o", "json", "-q"]
    if most is not None:
        command += ["--max-moves", most]
    run = watch(command, folder, 2 * limit + 120, listen="stderr")
    if run.failure:
        return {"failure": run.failure}, []
    written = json.loads((folder / "plan.json").read_text())
    places = changed.places(written)
    try:
        figures = score(changed, places)
    except ValueError as error:
        return {"failure": str(error)}, []
    seconds = written["status"]["solver"]["seconds"]
    return figures | {"seconds": seconds, "command": run.seconds, "moves": moved(changed.running, places)}, places


def score(changed: Cluster, places: list) -> dict:
    scorer = Scorer(changed)
    node_of = scorer.node_of(places)
    scorer.verify(node_of)
    return scorer.figures(node_of)


def moved(running: list, places: list) -> int:
    """How many replicas leave their node."""
    return sum(
        max(0, count - dict(after).get(node, 0))
        for before, after in zip(running, places) for node, count in before)


def measure(arguments) -> dict:
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = cluster(*arguments.size, arguments.seed)
        first.write(folder)
        print(f"{first.name}: {sum(first.replicas):,} replicas", flush=True)
        figures, running = plan(first, folder, arguments.first, arguments.threads)
        show("at first", figures)
        if not running:
            raise SystemExit("no plan to begin with")
        first.running = running
        result = {
            "size": f"{len(first.replicas)}x{len(first.nodes)}",
            "replicas": sum(first.replicas),
            "first": figures,
            "limit": arguments.limit,
            "changes": {},
        }
        changes = {
            "traffic": first.with_traffic_changed(arguments.share, arguments.seed),
            "nodes": first.with_nodes_replaced(arguments.share, arguments.seed),
        }
        for change, changed in changes.items():
            rows = {}
            changed.write(folder)
            for share in CURVE:
                most = round(share * result["replicas"])
                rows[most], _ = plan(changed, folder, arguments.limit, arguments.threads, most)
                show(f"{change}, at most {most} moves", rows[most])
            dataclasses.replace(changed, running=[]).write(folder)
            rows["anew"], _ = plan(changed, folder, arguments.first, arguments.threads)
            show(f"{change}, anew", rows["anew"])
            result["changes"][change] = rows
            if arguments.out:
                arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    return result


def show(name: str, figures: dict) -> None:
    if "failure" in figures:
        print(f"  {name:32} {figures['failure']}", flush=True)
        return
    print(f"  {name:32} {100 * figures['share']:6.2f} % on nodes, {100 * figures['zoneShare']:6.2f} % in zones, "
          f"{figures['moves']:6} moves, {figures['seconds']:5.2f} s, {figures['command']:5.2f} s in all", flush=True)


def markdown(result: dict) -> str:
    lines = [
        "| changed | may move | moved | of the replicas | on their node | less than anew | search | command |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for change, rows in result["changes"].items():
        anew = rows["anew"]
        for most, row in rows.items():
            if "failure" in row:
                lines.append(f"| {change} | {most} | {row['failure']} | | | | | |")
                continue
            less = "" if most == "anew" or "failure" in anew else f"{100 * (anew['share'] - row['share']):.2f} points"
            lines.append(
                f"| {change} | {most} | {row['moves']} | {100 * row['moves'] / result['replicas']:.2f} % "
                f"| {100 * row['share']:.2f} % | {less} | {row['seconds']:.2f} s | {row['command']:.2f} s |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--size", type=size, default=(10000, 1000), metavar="SERVICESxNODES", help="(default: 10000x1000)")
    parser.add_argument(
        "--first", type=float, default=60, help="seconds for the first plan and for those anew (default: 60)")
    parser.add_argument("--limit", type=float, default=2, help="seconds for planning again (default: 2)")
    parser.add_argument("--share", type=float, default=0.01, help="how much changes (default: 0.01)")
    parser.add_argument("--seed", type=int, default=1, help="(default: 1)")
    parser.add_argument("--threads", type=int, default=2, help="(default: 2)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of these figures, and stop")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put their table into README.md, and stop")
    arguments = parser.parse_args()
    if arguments.table:
        print(markdown(json.loads(arguments.table.read_text())))
    if arguments.readme:
        tables.publish("replan", markdown(json.loads(arguments.readme.read_text())))
    if arguments.table or arguments.readme:
        return
    if not os.access(TONARI, os.X_OK):
        raise SystemExit(f"{TONARI}: not found; build it with: swift build -c release --product tonari")
    print(markdown(measure(arguments)))


if __name__ == "__main__":
    main()
