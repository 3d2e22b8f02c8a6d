"""On what a result is computed: versions, BLAS and threads, commit, time, kind of machine."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from functools import cache
from pathlib import Path

import threadpoolctl
import torch

from simlib.cache import PACKAGES, ROOT

# What bit-equal numbers need; a commit, the time and the number of cores may differ.
DECIDES = ("version", "python", "blas", "blas_threads", "vectors", "threads", "processor")


def setup() -> dict:
    """On what a result is computed: versions, BLAS, threads, commit, time and machine, without
    names of hosts, users and folders.

    >>> sorted(setup())
    ['blas', 'blas_threads', 'commit', ..., 'threads', 'time', 'vectors', 'version']
    """
    libraries = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
    names = ("internal_api", "version", "architecture")
    return {
        "version": {name: importlib.metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "blas": sorted(" ".join(str(one.get(name, "")) for name in names) for one in libraries),
        "blas_threads": max((one["num_threads"] for one in libraries), default=1),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "commit": commit(),
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": os.cpu_count(),
    }


@cache
def commit(root: Path = ROOT) -> str:
    """The commit of the code, "(edited)" added where files differ from it; "unknown" outside git.

    >>> commit(Path("no such folder"))
    'unknown'
    """
    if not (root / ".git").exists():  # else that of a folder around it
        return "unknown"
    words = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--exclude=*"]
    plain = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        found = subprocess.run(
            [*words, "--dirty= (edited)"], capture_output=True, text=True, check=True, env=plain
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


@cache
def processor() -> str:
    """The kind of this machine's processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or platform.machine()])[0]
