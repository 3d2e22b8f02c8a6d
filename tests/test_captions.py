"""What stands beside a figure says no more than its run: every sentence of a caption or alternative
text that compares measures is held by a claim, which the figure's own page asserts.
"""

import re
from pathlib import Path

import nbformat
import pytest

from simlib.experiments.claims import CLAIMS

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
NAMES = re.compile(r"\b(CKA|NBS|Procrustes|regression|[Rr]idge)\b")
COMPARES = re.compile(
    r"\b(first|last|latest|later?|early|earlier|high|higher|lower|lowest|highest|most|least|near(ly)?|"
    r"close|steep\w*|leaves?|before|only|faster|slower|zero|approach\w*|deeper|twice|more|less|"
    r"fewer|stays?|always|never|hardly|far|rises?|falls?|fills?|bulges?)\b"
)
# How the sentence begins -> the claims that hold it, or why none has to.
HELD = {
    "Maximising CKA, the first PC rises in proportion": (
        "toy: PC 1 follows CKA",
        "toy: PC 2 waits for CKA",
    ),
    "For CKA PC 1 rises along the diagonal": ("toy: PC 1 follows CKA", "toy: PC 2 waits for CKA"),
    "Debiased CKA stays within 0.05 of 0": (
        "debiased CKA of noise is 0",
        "CKA of noise comes near 1",
    ),
    "For the same PC, CKA needs a higher score": ("CKA needs more for the same PC",),
    "CKA loses most by the largest PC": ("changes follow their equations",),
    "On these logarithmic axes CKA's line is twice": ("gradients follow their equations",),
    "A high angular Procrustes score implies a high score of CKA": (
        "angular Procrustes implies CKA",
        "CKA doesn't imply angular Procrustes",
        "angular Procrustes implies linear regression",
        "linear regression doesn't imply angular Procrustes",
    ),
    "Ridge captures its first PCs at scores below 0": "what the frame leaves out",
    "The ridge score at which a task variable becomes decodable": "what is drawn",
    "CKA was published twice": "what the tables hold",
    "Dashed, where the published tables are at hand": "what the tables hold",
    "Scores that one $Y$ can have at once": "what is drawn",
    "Two straight lines that meet at the first component": "what is drawn",
}


def sentences() -> list[tuple[str, str]]:
    found = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if shown := cell.metadata.get("mystnb"):
                for text in (shown["figure"]["caption"], shown["image"]["alt"]):
                    found += [(path.stem, part) for part in re.split(r"(?<=[.;])\s+", text)]
    return found


COMPARING = [(page, s) for page, s in sentences() if NAMES.search(s) and COMPARES.search(s)]


@pytest.mark.parametrize("page, sentence", COMPARING)
def test_a_sentence_that_compares_measures_is_held_by_a_claim_of_its_page(page, sentence):
    (held,) = [by for start, by in HELD.items() if sentence.startswith(start)] or [None]
    assert held, f"{page}: what holds {sentence!r}?"
    if isinstance(held, tuple):
        assert {CLAIMS[name].page for name in held} == {page}


def test_nothing_is_held_that_is_not_said():
    for start in HELD:
        assert any(sentence.startswith(start) for _, sentence in COMPARING), start
