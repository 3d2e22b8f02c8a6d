"""The cards of measures: their tables agree with theory, their pages have no hole, their errors say
what to do.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from docutils.utils.math.latex2mathml import tex2mathml
from matplotlib import pyplot as plt

from simlib import theory
from simlib.experiments import measure_card as cards
from simlib.experiments import measure_card_notes as notes
from simlib.experiments import measure_card_words as words
from simlib.measures import MEASURES
from simlib.measures import own as own_measures

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book"))

import execute  # noqa: E402
import measure_cards as script  # noqa: E402

OWN = '''
import numpy
import torch


def my_score(X, Y):
    """Cosine of the two centred matrices, in [-1, 1].

    <X, Y> / (|X| |Y|): the neurons need the same order.
    """
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return (X * Y).sum() / X.norm() / Y.norm()


def picky(X, Y):
    if X.shape[0] < 30:
        raise RuntimeError("needs 30 samples | or more")
    return my_score(X, Y)


def through_numpy(X, Y):
    return numpy.corrcoef(X.ravel(), Y.ravel())[0, 1]


def cka(X, Y):
    return my_score(X, Y) ** 2


class Cosine:
    def __call__(self, X, Y):
        return my_score(X, Y)


an_object = Cosine()


def grows_with_noise(X, Y):
    return (X - Y).norm()


def returns_nothing(X, Y):
    my_score(X, Y)


LEVEL = 0.9
'''
FULL = ["Decodability", "Joint range", "Cost"]
EACH = ["What it is", "Checks", "Sensitivity to the variance of a PC", "Chance"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path_factory):
    """Runs that take seconds; the results are shared by the tests of this file."""
    folder = tmp_path_factory.getbasetemp() / "card-results"
    monkeypatch.setenv("SIMLIB_RESULTS", str(folder))
    tiny = cards.Amount(3, 10, [20, 50], [5, 20], 1, 15, 1, 3)
    monkeypatch.setattr(cards, "AMOUNTS", dict.fromkeys(cards.AMOUNTS, tiny))
    monkeypatch.setattr(script, "GENERATED", folder / "_generated")


@pytest.fixture
def own(tmp_path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


def sections(name: str, full: bool = False) -> dict[str, str]:
    """What the cells of a card show, section by section; `[figure]` stands for a picture."""
    found, names = {}, {}
    for cell in script.filled(own_measures.resolve(name), name, full).cells:
        if cell.cell_type == "markdown":
            title, _, text = cell.source.lstrip("# ").partition("\n")
            found[title] = text
        elif "parameters" in cell.metadata.tags:
            names |= {"measure": name, "quick": True, "jobs": 1}
        elif script.CHECK not in cell.metadata.tags:
            found[title] += shown(cell.source, names)
    return found


def shown(source: str, names: dict) -> str:
    """Run a cell: its last value as text, or its picture."""
    *body, last = ast.parse(source).body
    value = None
    if isinstance(last, ast.Expr):
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    else:
        exec(source, names)
    pictures = len(plt.get_fignums())
    plt.close("all")
    assert not pictures or value is None, "a figure cell shows one picture and nothing else"
    text = getattr(value, "html", None) or getattr(value, "data", "")
    return text + "[figure]" * pictures


def made(names: list[str], out: Path, *options: str) -> list[nbformat.NotebookNode]:
    """The notebooks that the script executes for these measures."""
    assert script.main([*names, "--quick", "--out", str(out), *options]) == 0
    return [
        nbformat.read(out / f"{own_measures.resolve(name).id}.ipynb", as_version=4)
        for name in names
    ]


# -- Tables


def test_measured_losses_follow_the_equations_where_there_are_any():
    table = cards.replaced_losses(list(theory.REPLACED), quick=True)
    assert (table["score"] - table["theory"]).abs().max() < 1e-6
    assert set(table["measure"]) == set(theory.REPLACED) and table["theory"].notna().all()


@pytest.mark.parametrize(
    "measure, exponent, tolerance",
    [
        ("cka", 2, 1e-6),
        ("nbs", 1, 1e-6),
        ("linreg", 1, 1e-6),
        ("procrustes-euclidean", 0.5, 1e-6),
        ("cca", 0, 1e-6),
        ("procrustes-angular-score", 0.5, 0.02),
        ("rsa", 2, 0.1),
    ],
)
def test_the_exponent_of_the_loss_is_the_one_of_the_equation(measure, exponent, tolerance):
    found = cards.exponents(cards.replaced_losses([measure], quick=True))
    assert abs(found["mean"] - exponent) < tolerance
    assert found["low"] <= found["mean"] + 1e-12 and found["mean"] <= found["high"] + 1e-12
    assert found["count"] == 3


def test_the_reference_lines_are_the_theory_of_the_same_data():
    lines, table = cards.reference_losses(), cards.replaced_losses(["nbs"], quick=True)
    line = lines[lines["measure"] == "nbs"].set_index(
        lines["explained_variance"][lines["measure"] == "nbs"].round(12)
    )
    expected = line.loc[table["explained_variance"].round(12), "loss"].to_numpy()
    assert np.abs(expected - table["loss"]).max() < 1e-6


def test_a_distance_grows_where_its_score_falls():
    table = cards.replaced_losses(["procrustes-angular", "procrustes-angular-score"], quick=True)
    growth, loss = (rows["loss"].to_numpy() for _, rows in table.groupby("measure"))
    assert np.allclose(growth * 2 / np.pi, loss, atol=1e-9) and (growth > 0).all()


def test_chance_of_cka_is_its_closed_form_within_the_interval(monkeypatch):
    many = cards.amount(True)._replace(draws=40, samples=[20, 50, 100])
    monkeypatch.setitem(cards.AMOUNTS, "quick", many)
    cells = cards.chance_cells(cards.chance_draws(["cka"], quick=True))
    n, p = cells["samples"], cells["neurons"]
    formula = np.sqrt(p * p / ((p + n) * (p + n)))
    assert ((cells["low"] <= formula) & (formula <= cells["high"])).all()
    assert np.abs(cells["closed_form"] - formula).max() < 0.01


def test_intervals_contain_their_mean():
    cells = cards.chance_cells(cards.chance_draws(["cka", "rsa", "ensd"], quick=True))
    assert ((cells["low"] <= cells["mean"]) & (cells["mean"] <= cells["high"])).all()
    limits = cards.limits(cards.regions("nbs", quick=True))
    known = limits[limits["count"] > 0]
    assert len(known) and ((known["low"] <= known["mean"]) & (known["mean"] <= known["high"])).all()


def test_spread_leaves_out_what_is_not_finite():
    assert cards.spread([1.0, np.nan, 3.0]) == {"mean": 2.0, "low": 1.0, "high": 3.0, "count": 2}
    assert cards.spread([np.nan])["count"] == 0


def test_a_measure_against_itself_has_no_region():
    ends = cards.regions("procrustes-angular-score", quick=True)
    assert set(ends["against"]) == set(cards.limits(ends)["against"]) == {"cka"}


# -- A measure of one's own


def test_a_function_of_ones_own_gets_every_section(own):
    found = sections(f"{own}:my_score", full=True)
    assert list(found) == ["my score", *EACH, *FULL]
    assert "the neurons need the same order" in found["What it is"]
    for title in [*EACH, *FULL]:
        assert len(found[title]) > 100, f"nothing in {title}"
    for title in [*EACH[2:], *FULL]:
        assert found[title].count("[figure]") == 1


@pytest.mark.slow
def test_the_card_of_ones_own_opens_by_itself_until_its_file_changes(own, tmp_path, capfd):
    out, name = tmp_path / "cards", f"{own}:my_score"
    (page,) = made([name], out, "--full")
    assert page.cells[0].source == "# my score"
    said = capfd.readouterr()
    assert f"{out / 'my-score.html'}" in said.out
    assert "WARNING" not in said.err and "ERROR" not in said.err
    html = (out / "my-score.html").read_text()
    assert html.count('src="data:image/svg+xml;base64,') == 5
    assert not re.findall(r'(?:src|href)="(?!data:|#)', html)
    assert all(f"<h2>{title}</h2>" in html for title in [*EACH, *FULL])
    assert len(re.findall('<img [^>]*alt="[^"]{20,}"', html)) == html.count("<figcaption>") == 5
    assert "import" not in html, "code is for the book"
    asked = script.arguments(["--quick", "--full", "--out", str(out)])
    assert execute.is_done(script.card(name, asked), out), "up to date: left as it is"
    own.write_text(OWN.replace("Cosine of", "The cosine of"))
    assert not execute.is_done(script.card(name, asked), out)


@pytest.mark.slow
def test_a_card_that_fails_is_reported_as_a_figure_is(own, tmp_path, monkeypatch, capsys):
    """All cards share a kernel; one that ends it costs the others nothing."""
    wrong = OWN.replace("import numpy\n", "import numpy, os, sys\n")
    wrong += (
        "\n\ndef deadly(X, Y):\n    if 'ipykernel_launcher' in sys.argv[0]:\n        os._exit(1)\n"
    )
    own.write_text(wrong + "    return my_score(X, Y)\n")
    monkeypatch.setattr(script.tables, "check_tables", lambda *_, **__: None)
    out = tmp_path / "cards"
    names = [f"{own}:deadly", f"{own}:my_score"]
    assert script.main([*names, "--quick", "--out", str(out)]) == 1
    assert "FAILED deadly, cell 4:" in capsys.readouterr().err
    assert [path.name for path in out.glob("*.ipynb")] == ["my-score.ipynb"]
    assert "[my score](cards/my-score.ipynb)" in script.overview(
        script.arguments(["--out", str(out)])
    )


def test_a_measure_that_fails_somewhere_says_where_and_why(own):
    chance = sections(f"{own}:picky")["Chance"]
    assert "Undefined in 20 of 40 cases" in chance and r"needs 30 samples \| or more" in chance
    assert "n = 20, p = 5 (10 draws)" in chance


def test_a_measure_without_gradient_says_so(own):
    found = sections(f"{own}:through_numpy", full=True)
    assert "could not be run: TypeError" in found["Checks"]
    for title in FULL[:2]:
        assert "can't be climbed" in found[title] and "[figure]" not in found[title]
    assert all(found[title] for title in [*EACH, *FULL])


def test_a_measure_without_any_value_has_no_empty_pictures(own):
    found = sections(f"{own}:returns_nothing")
    assert "Undefined in all 36 cases" in found["Sensitivity to the variance of a PC"]
    assert "Undefined in all 40 cases" in found["Chance"]
    assert "[figure]" not in "".join(found.values())


def test_an_object_that_can_be_called_has_a_card_that_says_how_it_is_named(own):
    assert f"{own}:an_object" in sections(f"{own}:an_object")["What it is"]


def test_a_distance_given_as_a_bare_function_is_told_to_declare_itself(own):
    tables = (cards.check_tables([f"{own}:{name}"]) for name in ("grows_with_noise", "my_score"))
    assert ["direction=-1" in words.on_checks(table) for table in tables] == [True, False]


def test_what_fails_unexpectedly_comes_first(own):
    failures = words.failing(cards.check_tables([f"{own}:my_score"]))["verdict"].tolist()
    order = list(cards.VERDICTS.values())
    assert len(set(failures)) == 2 and failures == sorted(failures, key=order.index)


def test_the_file_of_a_measure_can_import_its_neighbours(own):
    own.with_name("beside.py").write_text("def half(x):\n    return x / 2\n")
    own.write_text(
        "import beside\n" + OWN + "\n\ndef halved(X, Y):\n    return beside.half(cka(X, Y))"
    )
    X = torch.eye(3)
    assert own_measures.resolve(f"{own}:halved")(X, X) == 0.5
    assert str(own.parent) not in sys.path


def test_a_name_of_the_catalogue_is_not_overwritten(own):
    assert own_measures.resolve(f"{own}:cka").id == "cka-own"


@pytest.mark.parametrize(
    "name, says",
    [
        ("ckka", "unknown measure 'ckka'; nearest: 'cka'"),
        ("rsa--distance-city", "unknown distance of RSA 'city'; "),
        ("mine:my_score", "mine.py:my_score?"),
        ("mine.py", "which function of mine.py? Name it after a colon: mine.py:my_score"),
        ("mine.py:", "which function of mine.py? Name it after a colon: mine.py:my_score"),
        ("elsewhere.py:my_score", "no such file: elsewhere.py"),
        ("mine.py:my_scores", "unknown function of mine.py: 'my_scores'; nearest: 'my_score'"),
        ("mine.py:LEVEL", "mine.py:LEVEL is float, not a function"),
        ("wrong.py:f", "wrong.py can't be imported: ZeroDivisionError"),
        ("notes.txt:f", "notes.txt isn't a Python file"),
    ],
)
def test_errors_say_what_was_found(name, says, own, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text("1 / 0\n")
    (tmp_path / "notes.txt").write_text("f\n")
    assert script.main([name, "--out", str(tmp_path / "cards")]) == 1
    assert says in capsys.readouterr().err


# -- Pages


@pytest.mark.parametrize("name", ["cka", "procrustes-angular", "pwcca", "ridge-cv-median"])
def test_cards_of_the_catalogue_have_no_empty_section(name):
    full = name in script.OF_THE_PAPER
    found = sections(name, full)
    title, *rest = found
    assert title == words.plain(MEASURES[name].title)
    assert rest == [*EACH, *FULL] if full else [*EACH, "More"]
    assert all(found[section] for section in rest)
    for section in rest[2:4] + (FULL if full else []):
        assert found[section].count("[figure]") == ("Undefined in all" not in found[section])


def test_every_card_names_its_figures_for_itself():
    cells = [
        cell.metadata.mystnb
        for name in ("nbs", "rsa")
        for cell in script.filled(MEASURES[name], name, full=True).cells
        if "mystnb" in cell.metadata
    ]
    figures = [cell.figure.name for cell in cells]
    assert len(set(figures)) == len(figures) == 10
    for cell in cells:
        text = cell.figure.caption + cell.image.alt
        assert "this measure" not in text and ("NBS" in text or "RSA" in text or "cost" in figures)


def test_a_distance_is_not_climbed_and_says_so():
    found = sections("nbs-angular", full=True)
    assert "is a distance" in found["Decodability"] and "is a distance" in found["Joint range"]


def test_the_table_of_cards_links_every_card_in_order(tmp_path):
    row = nbformat.v4.new_output("stream", text="Mine | 2 of 3 hold | 1.0 | 0.5\n")
    cell = nbformat.v4.new_code_cell("", metadata={"tags": [script.CHECK]}, outputs=[row])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    names = [*MEASURES, "a-measure-of-ones-own"]
    for name in names:
        one = script.execute.Task(name, tmp_path, {}, "a")
        script.execute.keep(one, notebook, tmp_path, 1.0)
    (tmp_path / "damaged.ipynb").write_text("{")
    text = script.overview(script.arguments(["--quick", "--out", str(tmp_path)]))
    assert re.findall(r"\(cards/(.*?)\.ipynb\)", text) == names
    assert "| [Mine](cards/cka.ipynb) | 2 of 3 hold | 1.0 | 0.5 |" in text


def test_the_line_on_checks_counts_what_was_declared():
    outcomes = ["holds", "holds", "fails", "fails", "fails", "not applicable"]
    expected = ["holds", "either", "fails", "fails", "holds", "holds"]
    pairs = zip(outcomes, expected, strict=True)
    checks = pd.DataFrame(
        {
            "check": list("abcdef"),
            "about": "value",
            "reason": "because",
            "evidence": "1 < 2",
            "verdict": [cards.VERDICTS.get(pair, pair[0]) for pair in pairs],
        }
    )
    assert set(words.outcome(checks).split("; ")) == {
        "2 of 5 hold",
        "2 don't hold, as stated",
        "1 fails unexpectedly",
        "1 not applicable",
    }
    first = words.checked(words.failing(checks)).html
    assert "<span>value</span></th>" in first
    cells = re.findall("<td.*?>(.*?)</td>", first)
    assert cells[:4] == ["e", "fails unexpectedly", "1 &lt; 2", "because"]
    assert words.folded(checks).count("<tr>") == 1 + len(checks)

    assert "not invariant, as stated" in words.checked(checks.assign(about="invariance")).html


def test_every_measure_of_the_catalogue_has_a_formula_and_a_use():
    assert list(notes.NOTES) == list(MEASURES)
    for note in notes.NOTES.values():
        assert note.use.endswith(".") and note.use.count(". ") == 0 and len(note.use) < 200
        assert tex2mathml(note.formula).startswith("<math")


@pytest.mark.parametrize(
    "value, text",
    [
        (0.5, "0.50"),
        (-0.031, "−0.031"),
        (1e-9, "0"),
        (153.2, "153"),
        (12.345, "12.35"),
        (np.nan, "undefined"),
    ],
)
def test_numbers_as_they_are_shown(value, text):
    assert words.shown(value) == text


def test_code_of_a_docstring_stays_code():
    assert words.prose("as `a_b` of\n|x|") == r"as `a_b` of \|x\|"


def test_plain_text_stays_plain_in_markdown():
    assert words.plain("||X'Y||_F^2 of\n *this*") == r"\|\|X'Y\|\|\_F^2 of \*this\*"
