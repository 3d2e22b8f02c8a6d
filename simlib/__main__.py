"""What is stored: `python -m simlib why NAME` says what changed since the results of a task were
stored, `python -m simlib verify` computes some of all results again and compares.
"""

import argparse
import sys

from simlib.experiments import verify, why

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m simlib", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    told = commands.add_parser("why", help="what changed since results were stored")
    told.add_argument("name", help="of a task function: a folder of the results")
    checked = commands.add_parser("verify", help="compute stored results again and compare")
    checked.add_argument("--share", type=float, default=0.1, help="how many of them (0.1)")
    checked.add_argument("--seed", type=int, default=0, help="which of them are chosen (0)")
    asked = parser.parse_args()
    try:
        if asked.command == "why":
            said, good = why(asked.name), True
        else:
            said, good = verify(asked.share, asked.seed)
    except ValueError as error:
        said, good = f"error: {error}", False
    sys.stdout.write(f"{said}\n")
    if not good:
        sys.exit(1)
