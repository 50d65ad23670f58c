"""The plots of what benchmarks/scale.py measured, as SVG that is readable on white and on dark."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot, ticker  # noqa: E402

from . import tables  # noqa: E402

INK = "#7d8590"
COLOURS = {
    "tonari": "#e8590c",
    "metis": "#1c7ed6",
    "greedy": "#2f9e44",
    "spread": "#868e96",
    "cp-sat": "#ae3ec9",
    "highs": "#c2a000",
    "cp-sat-start": "#da77f2",
    "highs-start": "#e8c34a",
}
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    # The same figures, the same file.
    "svg.hashsalt": "tonari",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
}


def draw(runs: list[dict], folder: Path) -> None:
    """One plot of localized share over time for each size, one of time over size and one of memory."""
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for size, solvers in tables.by_size(runs).items():
            shares(size, solvers, folder / f"share-{size}.svg")
        lines = tables.growing(runs)
        memory = {tables.MEMORY: [(x, y / 1e6) for x, y in lines.pop(tables.MEMORY)]}
        grows(lines, "seconds", folder / "time.svg")
        grows(memory, "MB", folder / "memory.svg")


def save(figure, path: Path) -> None:
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    path.write_text("".join(line.rstrip() + "\n" for line in path.read_text().splitlines()))


def logarithmic(set_scale, axis) -> None:
    set_scale("log")
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: f"{value:,g}" if value < 1000 else f"{value:,.0f}")
    axis.set_minor_locator(ticker.NullLocator())


def shares(size: str, solvers: dict[str, dict], path: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(6.4, 3))
    for name, run in solvers.items():
        points = run.get("points")
        if not points:
            continue
        x = [point["seconds"] for point in points] + [max(run["seconds"], points[-1]["seconds"])]
        y = [100 * point["share"] for point in points]
        axes.plot(x, y + y[-1:], drawstyle="steps-post", color=COLOURS[name],
                  linewidth=2 if name == "tonari" else 1.3, label=tables.NAMES[name].strip("*"))
        axes.plot(x[:1], y[:1], "o", markersize=3, color=COLOURS[name])
    logarithmic(axes.set_xscale, axes.xaxis)
    axes.set_ylim(0, 100)
    services, nodes = (f"{int(number):,}" for number in size.split("x"))
    axes.set_title(f"{services} services on {nodes} nodes", fontsize=9, loc="left")
    axes.set_xlabel("seconds")
    axes.set_ylabel("localized share, %")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)


def grows(lines: dict[str, list[tuple[float, float]]], unit: str, path: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(5, 3))
    for (name, points), colour in zip(lines.items(), ("#e8590c", "#1c7ed6")):
        if not points:
            continue
        points = sorted(points)
        label = name
        fit = tables.growth(points)
        if fit:
            exponent, factor = fit
            label += f", replicas^{exponent:.2f}"
            axes.plot([x for x, _ in points], [factor * x**exponent for x, _ in points], color=colour, alpha=0.5,
                      linewidth=1, linestyle="--")
        axes.plot(*zip(*points), "o", color=colour, markersize=4, label=label)
    logarithmic(axes.set_xscale, axes.xaxis)
    logarithmic(axes.set_yscale, axes.yaxis)
    axes.set_xlabel("replicas")
    axes.set_ylabel(unit)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    save(figure, path)
