"""The README's Python runs as it stands, and shows what its comments say."""

import re
from pathlib import Path

import simlib as sl
from simlib.measures.checking import CHECKS

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()


def test_the_ten_lines_run_and_show_their_point(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names = {}
    exec(code, names)
    X, Y = names["X"], names["ascent"].Y
    known, learned = (sl.decoding_accuracy(Z, X["context"].values) for Z in (X, Y))
    assert sl.score("cka", X, Y) > 0.985 and known > 0.8 and learned < 0.7
    r2 = sl.captured_variance(X, Y)
    noise = X.sizes["neuron"] / (X.sizes["time"] * X.sizes["trial"] - 1)
    assert r2[:2].min() > 0.95 and abs(r2[100:].mean() - noise) < 0.05 and round(noise, 1) == 0.6
    assert "True" in capsys.readouterr().out


def test_it_is_short_and_names_what_exists():
    assert len(README.splitlines()) <= 100
    root = Path(__file__).resolve().parent.parent
    for name in re.findall(r"\]\(((?!http)[^)]*)\)", README):
        assert (root / name).exists(), name
    for name in re.findall(r"^\| .* \| `(\w+)` \|", README, re.M):
        assert (root / "notebooks" / f"{name}.ipynb").exists(), name


def test_the_number_of_checks_is_the_number_there_are():
    assert f"which of {len(CHECKS)} checks" in README


def told_shares() -> dict[str, tuple[float, float, float]]:
    """Median, lowest and highest share of the way at a CKA of 0.9, as README tells them."""
    (line,) = re.findall(r"<!-- shares -->\n(.*?)\n<!-- end -->", README, re.S)
    number = r"(-?\d\.\d\d)"
    found = re.findall(rf"([A-Z]\w+ \d{{4}}) {number} \({number} to {number}\)", line)
    return {name: tuple(map(float, numbers)) for name, *numbers in found}


def test_the_shares_are_of_all_five_surrogates():
    labels = {facts.label for facts in sl.datasets.made.SURROGATES.values()}
    assert set(told_shares()) == labels
    assert "still doesn't know the task" not in README


def test_the_accuracies_beside_the_ten_lines_are_theirs():
    X = sl.datasets.load("surrogate-siegel2015")
    Y = sl.maximize("cka", X, seed=0).Y
    told = [float(n) for n in re.findall(r"decoding_accuracy\(.*# (\d\.\d\d) in", README)]
    found = [sl.decoding_accuracy(Z, X["context"].values) for Z in (X, Y)]
    assert len(told) == 2
    assert abs(found[0] - told[0]) < 0.03 and abs(found[1] - told[1]) < 0.05
