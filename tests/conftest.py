"""Settings that all tests share."""

import os
from pathlib import Path

import pytest

# Notebooks that nbval executes read this; their stored outputs are the quick ones.
os.environ.setdefault("SIMLIB_QUICK", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


SHARED = Path(os.environ.get("SIMLIB_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def oracles() -> Path:
    """Folder of the reference values, which are not part of this repository."""
    folder = SHARED / "oracles"
    if not folder.exists():
        pytest.skip(
            f"reference values not found at {folder}; set SIMLIB_SHARED to the folder that holds "
            "them"
        )
    return folder
