"""Two revisions side by side: the same work, alternating, each in a process of its own.

    python benchmarks/compare.py REV [--shapes freeman hatsopoulos] [--rounds 3]

Ratios are REV / the current checkout: above 1, the current one is faster.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
MEASURES = ("cka", "nbs", "procrustes-angular-score", "linreg", "ridge-cv")
# Only names that every revision has; run with the revision's own simlib on the path.
WORK = """
import json, sys, time
import numpy as np, torch
import simlib as sl
shapes, measures = json.loads(sys.argv[1])
def best(call, repeats):
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter(); call(); times.append(time.perf_counter() - start)
    return float(np.median(times))
found = {}
for shape, dataset in shapes.items():
    data = sl.datasets.load(dataset)
    labels = data[data.attrs["main_variable"]].values
    for measure in measures:
        found[shape + ": 10 steps of " + measure] = best(
            lambda: sl.maximize(measure, data.values, steps=10), 2
        )
    Y = torch.from_numpy(sl.maximize("cka", data.values, steps=20, stop=None).Y)
    found[shape + ": PC capture"] = best(lambda: sl.captured_variance(data.values, Y), 3)
    found[shape + ": decoding"] = best(lambda: sl.decoding_accuracy(Y, labels), 2)
print(json.dumps(found))
"""


def run(source: Path, shapes: dict) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(source)}
    arguments = [sys.executable, "-c", WORK, json.dumps([shapes, MEASURES])]
    done = subprocess.run(
        arguments, env=environment, cwd=source, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{source}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def compare(other: Path, shapes: dict, rounds: int) -> pd.DataFrame:
    pairs = [(run(other, shapes), run(ROOT, shapes)) for _ in range(rounds)]
    found = []
    for work in pairs[0][1]:
        ratios = np.array([before[work] / now[work] for before, now in pairs])
        found.append(
            {
                "work": work,
                "now (ms)": 1e3 * np.median([now[work] for _, now in pairs]),
                "ratio": np.median(ratios),
                "least": ratios.min(),
                "greatest": ratios.max(),
            }
        )
    return pd.DataFrame(found)


def main() -> None:
    from steps import SHAPES

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", metavar="REV", help="a commit, branch or tag to compare with")
    parser.add_argument("--shapes", choices=SHAPES, nargs="*", default=["freeman", "hatsopoulos"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        added = subprocess.run(
            ["git", "worktree", "add", "--detach", str(other), options.revision],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if added.returncode:
            sys.exit(f"no revision {options.revision!r}: {added.stderr.strip().splitlines()[-1]}")
        try:
            shapes = {name: SHAPES[name] for name in options.shapes}
            print(compare(other, shapes, options.rounds).round(2).to_string(index=False))
        finally:
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(other)], cwd=ROOT, check=False
            )


if __name__ == "__main__":
    main()
