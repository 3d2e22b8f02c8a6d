"""The cards of measures: their tables agree with theory, their pages have no hole, their errors say
what to do.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simlib import theory
from simlib.experiments import card_runs, cards, own_measure
from simlib.measures import MEASURES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book"))

import card_page  # noqa: E402
import card_words  # noqa: E402
import cards as script  # noqa: E402

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
    tiny = cards.CardSettings(3, 10, (20, 50), (5, 20), 1, 15, 1, 3)
    monkeypatch.setattr(cards, "card_settings", lambda quick: tiny)
    monkeypatch.setattr(card_runs, "card_settings", lambda quick: tiny)
    monkeypatch.setattr(script, "GENERATED", folder / "_generated")


@pytest.fixture
def own(tmp_path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


def made(names: list[str], out: Path, *options: str) -> list[str]:
    """The pages that the script writes for these measures."""
    assert script.main([*names, "--quick", "--out", str(out), *options]) == 0
    return [(out / f"{own_measure.resolve(name).id}.md").read_text() for name in names]


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)\n", page, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def words(section: str) -> str:
    """What a reader reads: without directives and table rules."""
    return re.sub(r"```\{figure\}.*?```|^\|.*\|$|^%.*$", "", section, flags=re.M | re.S).strip()


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
    many = cards.card_settings(True)._replace(draws=40, chance_samples=(20, 50, 100))
    monkeypatch.setattr(cards, "card_settings", lambda quick: many)
    cells = cards.chance_cells(cards.chance_draws(["cka"], quick=True))
    n, p = cells["samples"], cells["neurons"]
    formula = np.sqrt(p * p / ((p + n) * (p + n)))
    assert ((cells["low"] <= formula) & (formula <= cells["high"])).all()
    assert np.abs(cells["closed_form"] - formula).max() < 0.01


def test_intervals_contain_their_mean():
    cells = cards.chance_cells(cards.chance_draws(["cka", "rsa", "ensd"], quick=True))
    assert ((cells["low"] <= cells["mean"]) & (cells["mean"] <= cells["high"])).all()
    _, limits = card_runs.regions("nbs", quick=True)
    known = limits[limits["count"] > 0]
    assert len(known) and ((known["low"] <= known["mean"]) & (known["mean"] <= known["high"])).all()


def test_spread_leaves_out_what_is_not_finite():
    assert cards.spread([1.0, np.nan, 3.0]) == {"mean": 2.0, "low": 1.0, "high": 3.0, "count": 2}
    assert cards.spread([np.nan])["count"] == 0


def test_a_measure_against_itself_has_no_region():
    ends, limits = card_runs.regions("procrustes-angular-score", quick=True)
    assert set(ends["against"]) == set(limits["against"]) == {"cka"}


# -- A measure of one's own


def test_a_function_of_ones_own_gets_every_section(own, tmp_path, capsys):
    out = tmp_path / "cards"
    (page,) = made([f"{own}:my_score"], out, "--full")
    found = sections(page)
    assert list(found) == EACH + FULL
    assert (
        page.startswith("# my score\n") and "the neurons need the same order" in found["What it is"]
    )
    for title, text in found.items():
        assert len(words(text)) > 30, f"nothing in {title}"
    for title in [*EACH[2:], *FULL]:
        assert "{figure}" in found[title]
    said = capsys.readouterr()
    assert (
        f"{out / 'my-score.html'}" in said.out
        and "WARNING" not in said.err
        and "ERROR" not in said.err
    )
    html = (out / "my-score.html").read_text()
    assert html.count('src="data:image/png;base64,') == 5 and not re.findall(
        r'(?:src|href)="(?!data:|#)', html
    )


def test_a_card_is_written_again_only_when_its_file_changed(own, tmp_path):
    out, name = tmp_path / "cards", f"{own}:my_score"
    made([name], out)
    page = out / "my-score.md"
    page.write_text(page.read_text().replace("# my score", "# touched"))
    assert made([name], out)[0].startswith("# touched"), "up to date: left as it is"
    own.write_text(OWN.replace("Cosine of", "The cosine of"))
    assert "The cosine of" in made([name], out)[0]


def test_a_measure_that_fails_somewhere_says_where_and_why(own, tmp_path):
    (page,) = made([f"{own}:picky"], tmp_path / "cards")
    chance = sections(page)["Chance"]
    assert "Undefined in 20 of 40 cases" in chance and r"needs 30 samples \| or more" in chance
    assert "n = 20, p = 5 (10 draws)" in chance


def test_a_measure_without_gradient_says_so(own, tmp_path):
    (page,) = made([f"{own}:through_numpy"], tmp_path / "cards", "--full")
    found = sections(page)
    assert "could not be run" in found["Checks"]
    assert "failed" in found["Decodability"] and "failed" in found["Joint range"]
    assert all(words(text) for text in found.values())


def test_a_measure_without_any_value_has_no_empty_pictures(own, tmp_path):
    (page,) = made([f"{own}:returns_nothing"], tmp_path / "cards")
    assert "Undefined in all 36 cases" in sections(page)["Sensitivity to the variance of a PC"]
    assert "Undefined in all 40 cases" in sections(page)["Chance"] and "{figure}" not in page


def test_an_object_that_can_be_called_has_a_card_that_says_how_it_is_named(own, tmp_path):
    (page,) = made([f"{own}:an_object"], tmp_path / "cards")
    assert f"| In code | `{own}:an_object` |" in page


def test_a_distance_given_as_a_bare_function_is_told_to_declare_itself(own, tmp_path):
    pages = made([f"{own}:grows_with_noise", f"{own}:my_score"], tmp_path / "cards")
    assert ["direction=-1" in sections(page)["Checks"] for page in pages] == [True, False]


def test_what_fails_unexpectedly_comes_first(own, tmp_path):
    (page,) = made([f"{own}:my_score"], tmp_path / "cards")
    failures = re.findall(
        r"^\|.*\| (fails.*?) \|", sections(page)["Checks"].split("<details>")[0], flags=re.M
    )
    assert len(set(failures)) == 2 and failures == sorted(failures, key=card_page.URGENCY.index)


def test_a_name_of_the_catalogue_is_not_overwritten(own):
    assert own_measure.resolve(f"{own}:cka").id == "cka-own"


@pytest.mark.parametrize(
    "name, says",
    [
        ("ckka", "unknown measure 'ckka'; nearest: 'cka'"),
        ("rsa--distance-city", "unknown distance of RSA 'city'; "),
        ("mine:my_score", "mine.py:my_score?"),
        ("mine.py", "which function of mine.py? Name it after a colon: mine.py:my_score"),
        ("mine.py:", "which function of mine.py? Name it after the colon"),
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


def test_pages_of_the_catalogue_have_no_empty_section(tmp_path):
    names = ["cka", "procrustes-angular", "pwcca", "ridge-cv-median"]
    for name, page in zip(names, made(names, tmp_path), strict=True):
        found = sections(page)
        assert list(found) == (EACH + FULL if name in script.OF_THE_PAPER else [*EACH, "More"])
        assert all(words(text) for text in found.values()), name
        assert all(
            (tmp_path / picture).exists() for picture in re.findall(r"\{figure\} (\S+)", page)
        )
        assert all(len(alt) > 20 for alt in re.findall(r":alt: (.*)", page))


def test_a_distance_is_not_climbed_and_says_so(tmp_path):
    (page,) = made(["nbs-angular"], tmp_path, "--full")
    assert "This is a distance" in sections(page)["Decodability"]


def test_the_table_of_cards_links_every_measure(tmp_path):
    text = script.overview(script.arguments(["--quick", "--out", str(tmp_path)]))
    assert re.findall(r"\(cards/(.*?)\.md\)", text) == list(MEASURES)
    (tmp_path / "mine.md").write_text("# mine\n")
    assert "[mine](cards/mine.md)" in script.overview(
        script.arguments(["--quick", "--out", str(tmp_path)])
    )


def test_the_line_on_checks_counts_what_was_declared():
    outcomes = ["holds", "holds", "fails", "fails", "fails", "not applicable"]
    expected = ["holds", "either", "fails", "fails", "holds", "holds"]
    checks = pd.DataFrame(
        {
            "check": list("abcdef"),
            "about": "value",
            "reason": "because",
            "evidence": "1 | 2",
            "outcome": outcomes,
            "expected": expected,
        }
    )
    line = card_page.outcome(checks)
    assert set(line.split("; ")) == {
        "2 of 5 hold",
        "2 fail as declared",
        "1 fails unexpectedly",
        "1 not applicable",
    }
    assert r"| value | e | fails unexpectedly | 1 \| 2 | because |" in card_page.checked(checks)


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
    assert card_words.shown(value) == text


def test_code_of_a_docstring_stays_code():
    assert card_words.prose("as `a_b` of\n|x|") == r"as `a_b` of \|x\|"


def test_plain_text_stays_plain_in_markdown():
    assert card_words.plain("||X'Y||_F^2 of\n *this*") == r"\|\|X'Y\|\|\_F^2 of \*this\*"
