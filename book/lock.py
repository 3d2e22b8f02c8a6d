"""Write the locks anew: of every package of the book and its tests, with the hashes of its files.

    python book/lock.py                resolve again; a version stays where it fits
    python book/lock.py --upgrade      take the newest that pyproject.toml allows

constraints.txt is what is installed, oldest.txt the lowest versions allowed (`make test-oldest`).
`uv` resolves for Python 3.11 and newer on Linux, macOS and Windows at once. It knows the builds of
torch of the default index; where TORCH_INDEX names an index with its CPU builds, their hashes are
read from it, else those known of the same version stay.
"""

import argparse
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from install import CUDA, LOCK, OLDEST, PARTS, ROOT, read

EXTRAS = {"book": ["book"], "test": ["book", "test", "cluster", "oracles"]}
OPTIONS = "--universal --python-version 3.11 --no-header --no-annotate --no-config --quiet".split()
# From this version on pip resumes a download that was cut off.
PIP = "pip>=25.2"
HEADS = {
    LOCK: """\
# Every package of the book and its tests, pinned together, with the hashes of all its files for
# Python 3.11 or newer on Linux, macOS and Windows. `make lock` makes it from the ranges of
# pyproject.toml with uv: not to be edited by hand. book/install.py installs a part of it. torch has
# the hashes of its builds on the default index and of its CPU builds, as their index lists them.
""",
    OLDEST: """\
# The lowest versions that pyproject.toml allows, for `make test-oldest`. `make lock` makes it with
# uv: not to be edited by hand.
""",
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write constraints.txt and oldest.txt anew.")
    parser.add_argument("--upgrade", action="store_true", help="the newest versions allowed")
    before = blocks(LOCK)
    whole = resolve("test", {} if parser.parse_args().upgrade else before)
    (torch,) = (line for line in whole if line.startswith("torch=="))
    hashes = {*hashes_of(whole[torch]), *cpu_builds(torch, before)}
    whole[torch] = " \\\n".join([torch, *(f"    --hash={one}" for one in sorted(hashes))])
    write(LOCK, whole)
    write(OLDEST, resolve("test", {}, "--resolution", "lowest-direct"))
    return 0


def blocks(path: Path) -> dict[str, str]:
    """All blocks of a lock by their lines, whatever part they are in."""
    return {line: block for part in read(path).values() for line, block in part.items()}


def resolve(part: str, known: dict[str, str], *options: str) -> dict[str, str]:
    """The blocks that a part of the lock needs; versions of `known` stay where they fit."""
    draft = ROOT / "constraints.part.txt"
    draft.write_text("\n".join(known))
    extras = [word for extra in EXTRAS[part] for word in ("--extra", extra)]
    command = ["uv", "pip", "compile", "pyproject.toml", "-", *extras, *OPTIONS, *options]
    try:
        command += ["--generate-hashes", "--output-file", str(draft)]
        done = subprocess.run(command, cwd=ROOT, input=PIP, text=True, stdout=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(done.returncode)
        return blocks(draft)
    except FileNotFoundError:
        sys.exit("error: `make lock` needs uv, which isn't on this machine: pip install uv")
    finally:
        draft.unlink()


def hashes_of(block: str) -> list[str]:
    return re.findall(r"sha256:[0-9a-f]{64}", block)


def cpu_builds(torch: str, before: dict[str, str]) -> list[str]:
    """Hashes of torch's CPU builds: those its index lists, else those known of this version."""
    index = os.environ.get("TORCH_INDEX")
    if not index:
        return hashes_of(before.get(torch, ""))
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/torch/") as page:
            text = page.read().decode()
    except (OSError, ValueError) as error:
        sys.exit(f"error: TORCH_INDEX can't be read: {error}")
    name = torch.replace("==", "-")
    found = re.findall(rf"{re.escape(name)}(?:%2B|\+)cpu-[^\"'#]*#sha256=(\w+)", text)
    if not found:
        sys.exit(f"error: TORCH_INDEX lists no CPU build of {torch}, or none with its hash")
    return [f"sha256:{one}" for one in found]


def write(path: Path, whole: dict[str, str]) -> None:
    """A lock in its parts."""
    book, texts = {name(line) for line in resolve("book", whole)}, [HEADS[path]]
    for part, said in PARTS.items():
        lines = [line for line in whole if part == part_of(line, book)]
        texts.append("\n".join([f"\n# -- {part}: {said}", *(whole[line] for line in lines), ""]))
    path.write_text("".join(texts))


def name(line: str) -> str:
    return line.partition("==")[0]


def part_of(line: str, book: set[str]) -> str:
    if CUDA.match(line):
        return "cuda"
    return "book" if name(line) in book else "test"


if __name__ == "__main__":
    sys.exit(main())
