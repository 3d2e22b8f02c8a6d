"""Pages and what they include mend themselves: no bit of them can be changed unnoticed."""

import random
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent


def damages(content: bytes, seed: int = 0, flips: int = 60) -> list[bytes]:
    """The content with a bit flipped, or cut."""
    rng, found = random.Random(seed), [content[:k] for k in range(0, len(content), 23)]
    for _ in range(flips):
        bit, other = rng.randrange(8 * len(content)), bytearray(content)
        other[bit // 8] ^= 1 << bit % 8
        found.append(bytes(other))
    return found


def test_a_damaged_page_is_not_shown(book, tmp_path, monkeypatch):
    """`make html` puts a note in its place, `make book` executes it again."""
    prepare, execute = book("prepare"), book("execute")
    monkeypatch.setattr(prepare, "BOOK", tmp_path)
    monkeypatch.setattr(prepare, "GENERATED", tmp_path / "_generated")
    monkeypatch.setattr(execute, "NOTEBOOKS", {"chance_level": (1, 1)})
    out = tmp_path / "figures"
    page, source = out / "chance_level.ipynb", ROOT / "notebooks" / "chance_level.ipynb"
    one = execute.Task("chance_level", source, {}, "a")
    executed = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("0.5", id="a")])

    def is_note() -> bool:
        return b"has not been made on this machine" in page.read_bytes()

    execute.keep(one, executed, out, 1.0)
    whole = page.read_bytes()
    prepare.notes()
    assert page.read_bytes() == whole and not is_note()
    for damaged in damages(whole, flips=20):
        execute.keep(one, executed, out, 1.0)
        page.write_bytes(damaged)
        prepare.notes()
        assert is_note() and not execute.is_done(one, out)
    note = page.read_bytes()
    for damaged in damages(note, flips=40):
        page.write_bytes(damaged)
        prepare.notes()
        assert page.read_bytes() == note
    stamp = page.stat().st_mtime_ns
    prepare.notes()
    assert page.stat().st_mtime_ns == stamp
