"""Run every benchmark and write what the book shows, `book/speed/*.csv`, with the machine named;
`make html` then draws it.

python benchmarks/bench.py            about half an hour on two quiet cores
python benchmarks/bench.py --only steps roofline
"""

import argparse
import platform
from pathlib import Path

import busy
import compiled
import growth
import nulls
import roofline
import steps
import together
import torch

from simlib import experiments

OUT = Path(__file__).resolve().parent.parent / "book" / "speed"
PARTS = {
    "steps": lambda: steps.table(steps.SHAPES, repeats=5),
    "roofline": lambda: roofline.table(("mante", "hatsopoulos")),
    "growth": growth.table,
    "together": together.table,
    "busy": busy.table,
    "paths": busy.paths,
    "nulls": nulls.table,
    "compiled": compiled.table,
}


def machine() -> str:
    """Processor, cores, threads and versions, as one line."""
    return (
        f"{experiments.setup()['processor']}, "
        f"{torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__.split('+')[0]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, nargs="*", default=list(PARTS))
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    for name in options.only:
        PARTS[name]().to_csv(OUT / f"{name}.csv", index=False, float_format="%.4g")
        print(f"{OUT / name}.csv")
    (OUT / "machine.txt").write_text(machine() + "\n")


if __name__ == "__main__":
    main()
