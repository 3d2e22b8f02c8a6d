"""The picture of README.md and the numbers below it, from the runs of the first figure.

    python book/readme.py

What was run for the book is found in `results`; the rest is run.
"""

import os
import re
import sys
from pathlib import Path

from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "book" / "_static" / "score_vs_decodability.png"
MEASURES = ["procrustes-angular-score", "nbs", "cka-angular-score", "cka", "linreg"]
NUMBERS = re.compile(r"(?<=<!-- shares -->\n).*?(?=<!-- end -->)", re.S)


def main() -> int:
    os.environ.setdefault("SIMLIB_RESULTS", str(ROOT / "results"))
    from simlib import cache, datasets, experiments, plots
    from simlib.experiments import curves, score_vs_decodability

    names, runs = list(datasets.made.SURROGATES), {"seeds": range(5)}
    references = experiments.references(names, **runs)
    table = experiments.ascents(names, MEASURES, **runs, jobs=2)
    accuracy, crossings = curves.accuracy_curves(table), curves.crossings(table, references)
    levels = curves.deciding(references, "recorded")
    plots.use()
    figure, axes = plots.panels(len(names))
    for name, ax in zip(names, axes, strict=False):
        parts = (part[part["dataset"] == name] for part in (accuracy, crossings, levels))
        plots.accuracy_against_score(*parts, ax)
    plots.legend(axes[0], axes[len(names)])
    plots.badge(figure, table)
    cache.write(PICTURE, lambda draft: figure.savefig(draft, dpi=160, format="png"))
    plt.close(figure)
    words = score_vs_decodability.shares_in_words(curves.shares(table, references))
    readme = ROOT / "README.md"
    text = NUMBERS.sub(lambda _: words + "\n", readme.read_text())
    cache.write(readme, lambda draft: draft.write_text(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
