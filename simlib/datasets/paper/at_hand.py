"""Recordings that lie on this machine: what they are called, where they are, and how they are
loaded.
"""

from pathlib import Path

from simlib.datasets.own import read, runs
from simlib.datasets.paper.published_tables import shared_folder

REACHING = "recordings/m1_reaching/mihi_demo.mat"
MANTE = "recordings/mante2013"


def recordings_at_hand() -> dict[str, dict]:
    """Dataset -> options of its loader, for the recordings found: units of Mante 2013, reaches from
    motor cortex.

    Looked for in `recordings` in the folder SIMLIB_SHARED, or in a folder `shared` beside this
    checkout. Empty where there are none.
    """
    mante, reaching = shared_folder() / MANTE, shared_folder() / REACHING
    found = {"mante2013": {"path": str(mante)}} if mante.is_dir() else {}
    if reaching.is_file():  # rows are time bins, and folds keep the bins of a reach together
        layout = {"values": "Ytr", "dims": ["trial", "neuron"]}
        target = read(reaching, **layout, labels={"target": "Ttr"})["target"].values
        labels = {"target": "Ttr", "reach": runs(target).tolist()}
        found[str(reaching)] = {**layout, "labels": labels, "groups": "reach"}
    return found


def recordings_note() -> str:
    """Which recordings are compared, or that there are none, as a sentence for the page."""
    found = recordings_at_hand()
    if not found:
        return (
            "**No recordings are on this machine, so nothing is shown for them.** They are looked "
            "for as units of "
            f"Mante 2013 (`{MANTE}`) and reaches from motor cortex (`{REACHING}`), in the folder "
            "`SIMLIB_SHARED`."
        )
    return "Recordings found: " + " and ".join(f"`{Path(name).name}`" for name in found) + "."
