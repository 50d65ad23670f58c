#!/usr/bin/env python3
"""Tonari at scale, beside METIS, a greedy affinity scheduler, the default scheduler, OR-Tools CP-SAT and HiGHS.

    "$(benchmarks/setup.sh)" benchmarks/scale.py --out figures.json   # all sizes, about 25 minutes
    benchmarks/scale.py --sizes 1000x100 --seconds 10 --out figures.json
    benchmarks/scale.py --sizes 10000x1000 --seconds 60 --solvers tonari,metis --out figures.json
    benchmarks/scale.py --table figures.json                     # the tables again
    benchmarks/scale.py --plot figures.json                      # the plots again
    benchmarks/scale.py --readme figures.json                    # the tables into README.md

Solvers take turns on the same seeded cluster (instances.py) with the same time, each in a process of its own. Tonari's
time is that of the whole command: what reading and writing take, which a short run measures first, its search has less.
Every placement is verified and scored by scaling/scoring.py, which has nothing of Tonari's. Peers may have 8 GiB.

Figures are written after each run; at the end the tables are printed, and the plots drawn beside the figures. Runs that
FILE has already stay in it until they are measured again, so that one solver or one size can be repeated by itself.
TONARI names the command, if it is not the release build of this folder.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from scaling import tables
from scaling.process import watch

HERE = Path(__file__).resolve().parent
TONARI = Path(os.environ.get("TONARI", HERE.parent / ".build/release/tonari")).absolute()
SOLVERS = ["tonari", "metis", "greedy", "spread", "cp-sat", "highs"]
MORE_SOLVERS = ["cp-sat-start", "highs-start"]
# Seconds and solvers by size; between the sizes that are compared there are more, to see how time and memory grow.
PLANNED = {
    "1000x100": (10, SOLVERS),
    "2000x200": (10, ["tonari", "metis"]),
    "5000x500": (30, ["tonari", "metis"]),
    "10000x1000": (60, SOLVERS),
    "20000x5000": (300, SOLVERS),
}
# What a run may take before it is killed, in its own time and on top: models are built uncounted, and plans written.
GRACE = 1.2
ON_TOP = 90


def tonari(size: str, seed: int, seconds: float, threads: int, folder: Path) -> dict:
    """Runs `tonari plan` so that the whole command takes so many seconds."""
    def plan(limit: float):
        command = [
            TONARI, "plan", "-c", "cluster.json", "-t", "traffic.csv", "--profile", "traffic", "--threads", threads,
            "--time-limit", f"{limit:.2f}s", "--progress", "json", "--out", "plan.json", "-o", "json"]
        return watch(command, folder, GRACE * seconds + ON_TOP, listen="stderr")

    (folder / "plan.json").unlink(missing_ok=True)
    short = plan(0.1)
    # Where nothing is found so soon, it says nothing of the rest; then the search has all the time.
    around = 0.0
    if short.lines and not short.failure:
        around = short.lines[0]["at"] - short.lines[0]["seconds"] + short.seconds - short.lines[-1]["at"]
    run = plan(max(0.1, seconds - around))
    result = {
        "points": [
            {"seconds": line["at"], "share": line["localizedShare"], "objective": line["objective"],
             "bound": line["lowerBound"], "phase": line["phase"]}
            for line in run.lines if line.get("objective") is not None
        ],
        "around": around,
        "wall": run.seconds,
        "memory": run.memory,
        "failure": run.failure,
    }
    if not run.failure:
        result["final"] = verify(size, seed, folder / "plan.json")
        claimed = json.loads((folder / "plan.json").read_text())["status"]["objective"]
        if abs(claimed - result["final"]["objective"]) > 1e-6 * result["final"]["objective"]:
            raise ValueError(f"claims an objective of {claimed}, verified are {result['final']['objective']}")
    return result


def peer(name: str, size: str, seed: int, seconds: float, memory: float, folder: Path) -> dict:
    """Runs one of scaling/peer.py's."""
    placement = folder / "placement.npy"
    placement.unlink(missing_ok=True)
    run = watch(
        [sys.executable, "-m", "scaling.peer", name, size, "--seed", seed, "--seconds", seconds, "--memory", memory,
         "--out", placement],
        HERE, GRACE * seconds + ON_TOP)
    found = [line for line in run.lines if "objective" in line]
    points: list[dict] = []
    for line in found:
        if not points or line["objective"] < points[-1]["objective"]:
            points.append({key: line[key] for key in ("seconds", "share", "objective", "how")})
    result = {
        "points": points,
        "highestShare": max((line["share"] for line in found), default=None),
        "note": next((line["note"] for line in run.lines if "note" in line), ""),
        "wall": run.seconds,
        "memory": run.memory,
        "failure": run.failure,
    }
    if run.status < 0 and run.memory > 0.9 * memory * 2**30:
        result["failure"] = f"{memory:g} GiB of memory were not enough ({run.failure})"
    if placement.exists():
        result["final"] = verify(size, seed, placement)
    elif not run.failure:
        result["failure"] = "no placement"
    return result


def verify(size: str, seed: int, placement: Path) -> dict:
    """The figures of a placement, from a process of its own: this one stays small (see scaling/process.py)."""
    run = watch([sys.executable, "-m", "scaling.verify", size, placement, "--seed", seed], HERE, 600)
    if run.failure:
        raise ValueError(run.failure)
    return {key: value for key, value in run.lines[0].items() if key != "at"}


class Figures:
    """A file of runs, by size and solver."""

    def __init__(self, path: Path):
        self.path = path
        self.runs = json.loads(path.read_text())["runs"] if path.exists() else []

    def add(self, run: dict) -> None:
        def key(run: dict):
            return int(run["size"].split("x")[0]), (SOLVERS + MORE_SOLVERS).index(run["solver"])

        self.runs = sorted([other for other in self.runs if key(other) != key(run)] + [run], key=key)
        self.path.write_text(json.dumps({"runs": self.runs}, indent=1) + "\n")


def measure(plan: dict, arguments) -> None:
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figures = Figures(arguments.out)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, (seconds, solvers) in plan.items():
            made = watch([sys.executable, "instances.py", size, "--seed", arguments.seed, "--out", folder], HERE, 600)
            if made.failure:
                raise SystemExit(made.failure)
            print(f"{size}, {seconds:g} s", flush=True)
            for solver in solvers:
                try:
                    if solver == "tonari":
                        result = tonari(size, arguments.seed, seconds, arguments.threads, folder)
                    else:
                        result = peer(solver, size, arguments.seed, seconds, arguments.memory, folder)
                except (ValueError, OSError) as error:
                    # A row, so that the others still get theirs.
                    result = {"failure": str(error)}
                figures.add({"size": size, "seconds": seconds, "solver": solver, "seed": arguments.seed} | result)
                print(f"  {solver:13} {summary(result)}", flush=True)
    print(f"{(time.monotonic() - started) / 60:.0f} minutes in all")


def summary(result: dict) -> str:
    text = ""
    if "final" in result:
        final = result["final"]
        text = (f"{100 * final['share']:6.2f} % on nodes, {100 * final['zoneShare']:6.2f} % in zones, objective "
                f"{final['objective']:13,.0f}, first after {result['points'][0]['seconds']:6.2f} s, "
                f"{result['wall']:6.1f} s in all, {result['memory'] / 1e6:6.0f} MB")
    return "; ".join(part for part in (text, result.get("failure"), result.get("note")) if part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: text.split(",")
    parser.add_argument("--sizes", type=words, help="such as 1000x100,10000x1000 (default: " + ",".join(PLANNED) + ")")
    parser.add_argument(
        "--seconds", type=words, help="for every solver, one number or one for each size "
        "(default: " + ", ".join(f"{s}: {t:g}" for s, (t, _) in PLANNED.items()) + "; otherwise 60)")
    parser.add_argument(
        "--solvers", type=words, help="in which turns: " + ", ".join(SOLVERS + MORE_SOLVERS) + " (default: all but the "
        "last two, which begin at the greedy placement; for 2000x200 and 5000x500 tonari and metis alone)")
    parser.add_argument("--seed", type=int, default=1, help="of the clusters (default: 1)")
    parser.add_argument("--threads", type=int, default=2, help="tonari's (default: 2)")
    parser.add_argument("--memory", type=float, default=8, help="GiB that a peer may have (default: 8)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the figures, as JSON")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the tables of these figures, and stop")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the plots of these figures, and stop")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put their tables into README.md, and stop")
    arguments = parser.parse_args()
    if arguments.table:
        show(arguments.table)
    if arguments.plot:
        draw(arguments.plot)
    if arguments.readme:
        runs = Figures(arguments.readme).runs
        tables.publish("scale", tables.all_compared(runs))
        tables.publish("growth", tables.grown(runs))
    if arguments.table or arguments.plot or arguments.readme:
        return

    if not arguments.out:
        parser.error("say with --out where the figures go, or what to do with some: --table, --plot, --readme")
    if not os.access(TONARI, os.X_OK):
        raise SystemExit(f"{TONARI}: not found; build it with: swift build -c release --product tonari")
    sizes = arguments.sizes or list(PLANNED)
    seconds = [float(text) for text in arguments.seconds or []]
    if len(seconds) not in (0, 1, len(sizes)):
        parser.error(f"{len(seconds)} times for {len(sizes)} sizes")
    plan = {}
    for index, size in enumerate(sizes):
        planned, solvers = PLANNED.get(size, (60, SOLVERS))
        time_ = seconds[min(index, len(seconds) - 1)] if seconds else planned
        plan[size] = (time_, arguments.solvers or solvers)
    unknown = {solver for _, solvers in plan.values() for solver in solvers} - {*SOLVERS, *MORE_SOLVERS}
    if unknown:
        parser.error(f"no solver is called {', '.join(sorted(unknown))}")
    measure(plan, arguments)
    show(arguments.out)
    draw(arguments.out)


def show(path: Path) -> None:
    """The tables of a file of figures."""
    runs = Figures(path).runs
    print(f"\n{tables.all_compared(runs)}\n\n{tables.grown(runs)}")


def draw(path: Path) -> None:
    """The plots of a file of figures, beside it."""
    # Here, because a child's memory is at least its parent's.
    from scaling import plots

    plots.draw(Figures(path).runs, path.absolute().parent)


if __name__ == "__main__":
    main()
