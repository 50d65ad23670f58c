"""The README's tables of what benchmarks/scale.py measured."""

import math
import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
NAMES = {
    "tonari": "**tonari**",
    "metis": "METIS, repaired",
    "greedy": "greedy affinity",
    "spread": "default scheduler",
    "cp-sat": "CP-SAT",
    "highs": "HiGHS",
    "cp-sat-start": "CP-SAT from greedy",
    "highs-start": "HiGHS from greedy",
}
FIRST = "first plan"
OVERTAKES = "as good as the best peer's"
MEMORY = "peak memory"


def by_size(runs: list[dict]) -> dict[str, dict[str, dict]]:
    """Runs by size and solver, in the order of the file."""
    sizes: dict[str, dict[str, dict]] = {}
    for run in runs:
        sizes.setdefault(run["size"], {})[run["solver"]] = run
    return sizes


def best_peer(solvers: dict[str, dict]) -> dict | None:
    """The peer with the lowest objective."""
    peers = [run for name, run in solvers.items() if name != "tonari" and "final" in run]
    return min(peers, key=lambda run: run["final"]["objective"], default=None)


def first_plan(run: dict) -> float | None:
    """Seconds until the first feasible placement."""
    return run["points"][0]["seconds"] if run.get("points") else None


def overtakes(run: dict, objective: float) -> float | None:
    """Seconds until a placement that is at least as good."""
    return next((point["seconds"] for point in run.get("points", []) if point["objective"] <= objective), None)


def growth(points: list[tuple[float, float]]) -> tuple[float, float] | None:
    """The exponent and factor of factor · x^exponent through points, by least squares of the logarithms."""
    points = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in points}) < 2:
        return None
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
    exponent = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return exponent, math.exp(mean_y - exponent * mean_x)


def growing(runs: list[dict]) -> dict[str, list[tuple[float, float]]]:
    """What grows with the size: (replicas, seconds or bytes) of Tonari."""
    lines: dict[str, list[tuple[float, float]]] = {FIRST: [], OVERTAKES: [], MEMORY: []}
    for solvers in by_size(runs).values():
        run = solvers.get("tonari")
        if not run or "final" not in run:
            continue
        replicas = run["final"]["replicas"]
        peer = best_peer(solvers)
        lines[FIRST].append((replicas, first_plan(run)))
        lines[MEMORY].append((replicas, run["memory"]))
        if peer and (seconds := overtakes(run, peer["final"]["objective"])):
            lines[OVERTAKES].append((replicas, seconds))
    return lines


def publish(name: str, table: str) -> None:
    """Puts a table into the README, between its marks."""
    text = README.read_text()
    marks = f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    text, count = re.subn(marks, lambda match: f"{match[1]}{table}\n{match[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{README}: has {count} places for {name}")
    README.write_text(text)


def all_compared(runs: list[dict]) -> str:
    """A table for each size."""
    return "\n\n".join(compared(size, solvers) for size, solvers in by_size(runs).items())


def compared(size: str, solvers: dict[str, dict]) -> str:
    """All solvers on one size."""
    services, nodes = (f"{int(number):,}" for number in size.split("x"))
    any_run = next(iter(solvers.values()))
    ours = solvers.get("tonari", {}).get("final")
    lines = [
        f"| {services} services on {nodes} nodes, {any_run['seconds']:g} s | {FIRST} | on their node | in their zone "
        f"| behind | crosses nodes, × tonari's | objective, × tonari's | {MEMORY} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, run in solvers.items():
        memory = size_of(run["memory"]) if "memory" in run else ""
        final = run.get("final")
        if not final:
            why = "; ".join(text for text in (run.get("failure"), run.get("note")) if text)
            lines.append(f"| {NAMES[name]} | {why} | | | | | | {memory} |")
            continue
        share = f"{100 * final['share']:.2f} %"
        highest = run.get("highestShare")
        if highest and highest > final["share"] + 0.001:
            share += f" (one had {100 * highest:.2f} %)"
        row = [f"{first_plan(run):.2f} s", share, f"{100 * final['zoneShare']:.2f} %"]
        if ours and name != "tonari":
            row += [
                f"{100 * (ours['share'] - final['share']):.2f} points",
                f"{final['crossing'] / ours['crossing']:.2f}",
                f"{final['objective'] / ours['objective']:.2f}",
            ]
        else:
            row += ["", "1", "1"]
        lines.append(f"| {NAMES[name]} | " + " | ".join(row) + f" | {memory} |")
    return "\n".join(lines)


def grown(runs: list[dict]) -> str:
    """How Tonari's time and memory grow."""
    lines = growing(runs)
    table = [f"| size | replicas | {FIRST} | {OVERTAKES} | its time | {MEMORY} |", "|---|---|---|---|---|---|"]
    for size, solvers in by_size(runs).items():
        run = solvers.get("tonari")
        if not run or "final" not in run:
            continue
        peer = best_peer(solvers)
        seconds = overtakes(run, peer["final"]["objective"]) if peer else None
        name = NAMES[peer["solver"]] if peer else ""
        good = f"{seconds:.1f} s ({name})" if seconds else (f"not ({name})" if peer else "")
        table.append(
            f"| {size} | {run['final']['replicas']:,} | {first_plan(run):.2f} s | {good} | {run['seconds']:g} s "
            f"| {size_of(run['memory'])} |")
    exponents = {name: growth(points) for name, points in lines.items()}
    told = {name: f"replicas^{fit[0]:.2f}" if fit else "" for name, fit in exponents.items()}
    table.append(f"| grows as | | {told[FIRST]} | {told[OVERTAKES]} | | {told[MEMORY]} |")
    return "\n".join(table)


def size_of(memory: int) -> str:
    return f"{memory / 1e9:.1f} GB" if memory >= 1e9 else f"{memory / 1e6:.0f} MB"
