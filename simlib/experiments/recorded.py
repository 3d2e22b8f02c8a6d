"""Recordings that lie on this machine: what they are called, where they are, and the paper's claims on them."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from simlib.experiments.claims import claim_table, claims_about_capture
from simlib.experiments.supplement_claims import claims_about_gaussian

__all__ = ["claims_about_recordings", "recordings_at_hand", "recordings_note"]

REACHING = "recordings/m1_reaching/mihi_demo.mat"
MANTE = "recordings/mante2013"
PAIR = {"procrustes-angular-score", "cka"}


def _shared() -> Path:
    return Path(os.environ.get("SIMLIB_SHARED") or Path(__file__).resolve().parents[3] / "shared")


def recordings_at_hand() -> dict[str, dict]:
    """Dataset -> options of its loader, for the recordings found: units of Mante 2013, reaches from motor cortex.

    Looked for in `recordings` in the folder SIMLIB_SHARED, or in a folder `shared` beside this checkout. Empty where
    there are none.
    """
    mante, reaching = _shared() / MANTE, _shared() / REACHING
    found = {"mante2013": {"path": str(mante)}} if mante.is_dir() else {}
    if reaching.is_file():
        found[str(reaching)] = {"values": "Ytr", "dims": ["trial", "neuron"]}
    return found


def recordings_note() -> str:
    """Which recordings are compared, or that there are none, as a sentence for the page."""
    found = recordings_at_hand()
    if not found:
        return (
            "**No recordings are on this machine, so this section is empty.** It looks for units of Mante 2013 "
            f"(`{MANTE}`) and reaches from motor cortex (`{REACHING}`) in the folder that `SIMLIB_SHARED` names."
        )
    return "Recordings found: " + " and ".join(f"`{Path(name).name}`" for name in found) + "."


def claims_about_recordings(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """What the paper says of capture, and of the Gaussian, on recorded data; every claim is asserted.

    `captures` is the table of `variant_captures` of `recordings_at_hand`, with CKA and angular Procrustes and a
    variant `base` for the recording itself. Datasets are named by their files.
    """
    of_x = captures[captures["variant"] == base]
    claims = pd.concat([claims_about_capture(of_x), claims_about_gaussian(captures, base)], ignore_index=True)
    names = claims["dataset"].map(lambda name: Path(name).name)
    return claim_table(claims.assign(dataset=names, asserted=True).drop_duplicates().to_dict("records"))
