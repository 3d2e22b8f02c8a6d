"""Where the files lie that pages include, and how they are written.

A file is written only when its content changed, so that an unchanged page is not built again.
"""

from pathlib import Path

import execute

BOOK = Path(__file__).resolve().parent
GENERATED = BOOK / "_generated"


def write(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    execute.cache.write(path, lambda draft: draft.write_bytes(content))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
