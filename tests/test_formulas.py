"""Formulas made at build time: where a displayed one breaks, and that the book's are understood."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import formulas  # noqa: E402


@pytest.mark.parametrize(
    "tex, found",
    [
        (r"a = b + c , \qquad d \le -e", ["a", "= b", "+ c ,", r"\qquad", "d", r"\le -e"]),
        (r"f(a + b) = x_+ e^{a - b}", ["f(a + b)", "= x_+ e^{a - b}"]),
        (r"\left( a + b \right) - \begin{pmatrix} 1 + 1 \end{pmatrix}", None),
    ],
)
def test_a_formula_breaks_at_its_outer_signs_alone(tex, found):
    parts = formulas.parts(tex)
    assert "".join(parts).replace(" ", "") == tex.replace(" ", "")
    assert parts == found or (found is None and len(parts) == 2)


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/*.md")), ids=lambda path: path.stem)
def test_every_displayed_formula_of_a_page_is_understood(path):
    for tex in re.findall(r"\$\$(.*?)\$\$", path.read_text(), re.S):
        assert "<math" in formulas.rows(tex)


def test_rows_that_are_aligned_stand_in_a_grid():
    html = formulas.rows(r"\begin{aligned} a &= b \\\\ c &= d + e \end{aligned}")
    assert html.count("formula-left") == 2 and html.count("<wbr>") == 1


def test_bars_of_norms_do_not_stretch_and_greek_capitals_stand_upright():
    html = formulas.mathml(r"\lVert \Lambda \rVert_F")
    assert html.count('stretchy="false"') == 2
    assert '<mi mathvariant="normal">Λ</mi>' in html
