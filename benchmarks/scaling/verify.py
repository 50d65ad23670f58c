"""Verifies and scores a placement: `python -m scaling.verify 1000x100 --seed 1 plan.json`, or what a peer wrote (.npy).

Takes nothing from a plan but its placements. Prints the figures as JSON; fails where a constraint is broken.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from instances import cluster, size

from .scoring import Scorer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=size, metavar="SERVICESxNODES")
    parser.add_argument("placement", type=Path)
    parser.add_argument("--seed", type=int, default=1, help="of the instance (default: 1)")
    arguments = parser.parse_args()
    scorer = Scorer(cluster(*arguments.size, arguments.seed))
    if arguments.placement.suffix == ".npy":
        node_of = np.load(arguments.placement)
    else:
        node_of = scorer.node_of(scorer.cluster.places(json.loads(arguments.placement.read_text())))
    try:
        scorer.verify(node_of)
    except ValueError as error:
        raise SystemExit(f"{arguments.placement}: {error}")
    figures = scorer.figures(node_of)
    print(json.dumps(figures | {"crossing": scorer.total * (1 - figures["share"]), "replicas": len(node_of)}))


if __name__ == "__main__":
    main()
