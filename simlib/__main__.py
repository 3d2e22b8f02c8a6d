"""`python -m simlib why NAME`: what changed since results of a task were stored."""

import argparse
import sys

from simlib.experiments import why

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m simlib", description=__doc__)
    parser.add_argument("command", choices=["why"])
    parser.add_argument("name", help="of a task function: a folder of the results")
    sys.stdout.write(f"{why(parser.parse_args().name)}\n")
