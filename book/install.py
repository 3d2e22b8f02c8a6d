"""Install what a lock says into the environment of the Python that runs this: each file has one of
the hashes that the lock knows of it, or nothing of it is installed.

    python book/install.py book            what the book needs (constraints.txt)
    python book/install.py test            that and what the tests add
    python book/install.py oldest          for tests: the lowest versions allowed (oldest.txt)
    python book/install.py newest          for tests: the newest allowed, which no lock can know

With `uv` where it is on this machine, else with pip. A download that is cut off is resumed or
repeated; after an interruption the same command goes on. TORCH_INDEX names an index of packages
that torch comes from: one with its CPU builds.
"""

import importlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, OLDEST = ROOT / "constraints.txt", ROOT / "oldest.txt"
PARTS = {
    "book": "the library and what builds the book",
    "test": "what tests, runs on many machines and other people's implementations add",
    "cuda": "what the default build of torch adds on Linux",
}
CUDA = re.compile(r"(cuda|nvidia|triton)\b")
TRIES, PAUSE = 3, 5  # seconds, longer with each try
STOPPED = (
    "error: the packages could not be installed; the reason stands above. If the network failed: "
    "run the same command again, it goes on where it stopped."
)
OTHER_TORCH = (
    " If it is a hash of torch: constraints.txt doesn't know that build, and "
    "`make lock TORCH_INDEX=...` reads the hashes of its CPU builds from that index."
)


def main(argv: list[str]) -> int:
    (wanted,) = argv
    index = [f"--index-url={os.environ['TORCH_INDEX']}"] if os.environ.get("TORCH_INDEX") else []
    if wanted == "newest":
        if index:
            install("--upgrade", *index, "torch")
        install("--upgrade", "--editable", ".[book,test,cluster,oracles]")
        return 0
    lock = read(OLDEST if wanted == "oldest" else LOCK)
    chosen = lock["book"] if wanted == "book" else lock["book"] | lock["test"]
    pip, torch = (chosen.pop(line) for line in [*chosen] if re.match("(pip|torch)==", line))
    install_with_hashes([pip])  # a version that resumes downloads
    cpu = torch.replace(
        " \\", "+cpu \\", 1
    )  # the build without CUDA, where an index at hand has it
    if not install_with_hashes([cpu], *index, tries=0):
        install_with_hashes([torch], *index)
    importlib.invalidate_caches()
    if any(CUDA.match(needed) for needed in importlib.metadata.requires("torch") or ()):
        chosen |= lock["cuda"]
    install_with_hashes(chosen.values())
    install("--no-deps", "--no-build-isolation", "--editable", ".")  # with the setuptools pinned
    return 0


def read(path: Path = LOCK) -> dict[str, dict[str, str]]:
    """The parts of a lock: of each package its line, such as "torch==2.13.0", and its block."""
    found = {name: {} for name in PARTS}
    part = found["book"]  # of a text without headings
    for block in re.split(r"\n(?! )", path.read_text()):
        if block.startswith("# -- "):
            part = found[block.removeprefix("# -- ").partition(":")[0]]
        elif block and block[0] != "#":
            part[block.split(" \\")[0]] = block
    return found


def install_with_hashes(blocks, *options: str, tries: int = TRIES) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "part.txt"
        file.write_text("\n".join(blocks) + "\n")
        fixed = ["--no-deps", "--require-hashes", "--only-binary=:all:", f"--requirement={file}"]
        return install(*fixed, *options, tries=tries)


def install(*arguments: str, tries: int = TRIES) -> bool:
    """Install, in several tries, or stop; with 0 tries in a silent one, and say whether it did."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    uv = ["uv", "pip", "install", "--python", sys.executable]
    command = [*(uv if shutil.which("uv") else pip), "--quiet", *arguments]
    said = None if tries else subprocess.DEVNULL
    for attempt in range(max(tries, 1)):
        time.sleep(PAUSE * attempt)
        if not subprocess.run(command, cwd=ROOT, stderr=said, check=False).returncode:
            return True
    if tries:
        sys.exit(STOPPED + (OTHER_TORCH if os.environ.get("TORCH_INDEX") else ""))
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
