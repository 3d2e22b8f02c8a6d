"""Settings that all tests share."""

import os

# Notebooks that nbval executes read this; their stored outputs are the quick ones.
os.environ.setdefault("SIMLIB_QUICK", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
