"""Runs one peer in a process of its own: `python -m scaling.peer metis 1000x100 --seconds 10 --out placement.npy`.

Prints a JSON object for each placement that it finds and one at the end, and keeps the best by the objective. Seconds
count from the start of the process, so that loading libraries and drawing the instance are in them; those of HiGHS and
CP-SAT count from the solver's start.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from instances import cluster, size

from . import greedy, models, partition
from .scoring import Scorer

PEERS = {
    "metis": partition.metis,
    "greedy": greedy.affinity,
    "spread": greedy.spread,
    "cp-sat": models.cp_sat,
    "cp-sat-start": lambda *arguments: models.cp_sat(*arguments, with_start=True),
    "highs": models.highs,
    "highs-start": lambda *arguments: models.highs(*arguments, with_start=True),
}


def age() -> float:
    """Seconds since this process was started."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("size", type=size, metavar="SERVICESxNODES")
    parser.add_argument("--seed", type=int, default=1, help="of the instance (default: 1)")
    parser.add_argument("--seconds", type=float, default=60, help="(default: 60)")
    parser.add_argument("--memory", type=float, default=8, help="GiB of address space (default: 8)")
    parser.add_argument("--out", type=Path, required=True, help="where to write the node of each replica")
    arguments = parser.parse_args()
    cap = int(arguments.memory * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    scorer = Scorer(cluster(*arguments.size, arguments.seed))
    best = float("inf")

    def report(node_of: np.ndarray, how: str, seconds: float | None = None) -> None:
        nonlocal best
        seconds = age() if seconds is None else seconds
        scorer.verify(node_of)
        figures = scorer.figures(node_of)
        if figures["objective"] < best:
            best = figures["objective"]
            np.save(arguments.out, node_of)
        print(json.dumps({"seconds": seconds, "how": how} | figures), flush=True)

    # Solvers stop by themselves; what is written here looks at the time.
    isModel = arguments.peer.startswith(("cp-sat", "highs"))
    time_or_left = arguments.seconds if isModel else lambda: arguments.seconds - age()
    try:
        note = PEERS[arguments.peer](scorer, report, time_or_left)
    except MemoryError:
        note = f"{arguments.memory:g} GiB of memory were not enough"
    print(json.dumps({"note": note}), flush=True)


if __name__ == "__main__":
    main()
