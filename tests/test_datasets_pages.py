"""The examples of the page on models and brains run, and give what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).resolve().parent.parent / "book" / "model_and_brain.md"


@pytest.mark.slow
def test_a_model_beside_a_brain(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
    names = {}
    for example in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.M | re.S):
        exec(example, names)
    assert all(0 < score < 1 for score in names["scores"].values())
    assert min(names["accuracies"].values()) > 0.85
    responses, model = names["responses"], names["model"]
    assert responses.shape == (15, 72, 4)
    context = responses.sel(variable="context").values.mean(0)
    assert abs(np.corrcoef(context, model["context"].values == "motion")[0, 1]) > 0.9
