"""Laws of the docstrings: each public function and record has an example, and the example runs."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

# Faces, which list what they offer in `__all__`; modules behind one offer what they define.
PLACES = (
    "simlib",
    "simlib.calibration",
    "simlib.components",
    "simlib.datasets",
    "simlib.decoding",
    "simlib.exact_ranges",
    "simlib.joint",
    "simlib.linalg",
    "simlib.logistic",
    "simlib.measures",
    "simlib.measures.catalogue",
    "simlib.measures.cca",
    "simlib.measures.checking",
    "simlib.measures.folds",
    "simlib.measures.kernels",
    "simlib.measures.matching",
    "simlib.measures.own",
    "simlib.measures.record",
    "simlib.measures.regression",
    "simlib.measures.rsa",
    "simlib.measures.shapes",
    "simlib.measures.shuffles",
    "simlib.optimize",
    "simlib.repeats",
    "simlib.theory",
    "simlib.validation",
)
# Name -> why it has no example.
EXCEPTIONS = {
    "climb": "takes an objective and what to do at each step; the example of maximize shows it",
    "climb_together": "as climb; the example of maximize_many shows it",
}
SETTINGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def public(place: str) -> dict[str, object]:
    """Functions and records of simlib's own that a module or package offers, by name.

    Without `__all__` those that it defines itself, unless their names begin with an underscore.
    """
    module = importlib.import_module(place)
    listed = getattr(module, "__all__", None)
    inside = place if listed is None else "simlib"
    names = (name for name in vars(module) if name[0] != "_") if listed is None else listed
    offered = {name: getattr(module, name) for name in names}
    return {
        name: thing
        for name, thing in offered.items()
        if (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__.startswith(inside)
    }


def has_example(thing: object) -> bool:
    return ">>> " in (inspect.getdoc(thing) or "")


each_place = pytest.mark.parametrize("place", PLACES)


@each_place
def test_each_public_name_has_an_example(place):
    things = public(place)
    assert things
    assert not [n for n, thing in things.items() if not has_example(thing) and n not in EXCEPTIONS]


def test_no_exception_is_out_of_date():
    things = {name: thing for place in PLACES for name, thing in public(place).items()}
    assert not [name for name in EXCEPTIONS if has_example(things[name])]


@each_place
def test_the_examples_run_as_they_stand(place):
    """Each by itself, with nothing imported but what it imports."""
    runner, finder = (
        doctest.DocTestRunner(optionflags=SETTINGS),
        doctest.DocTestFinder(recurse=False),
    )
    for name, thing in public(place).items():
        for example in finder.find(thing, name, globs={}):
            assert runner.run(example).failed == 0, f"{place}.{name}"


@each_place
def test_the_api_page_shows_each_docstring_without_a_fault(place, monkeypatch):
    core = pytest.importorskip("docutils.core")
    roles = importlib.import_module("docutils.parsers.rst.roles")
    roles.register_generic_role("cite:t", importlib.import_module("docutils.nodes").inline)
    monkeypatch.syspath_prepend(Path(__file__).resolve().parent.parent / "book" / "_ext")
    docstrings = importlib.import_module("docstrings")
    for thing in public(place).values():
        lines = inspect.getdoc(thing).splitlines()
        docstrings.rewrite(None, "function", "", thing, None, lines)
        strict = {"report_level": 2, "halt_level": 2}
        page = core.publish_string("\n".join(lines), writer_name="html", settings_overrides=strict)
        assert b"&gt;&gt;&gt;" in page or not has_example(thing)
