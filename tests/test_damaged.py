"""Damaged files: each is read, or refused in one kind of error that names it; none of them ends
this process, keeps it waiting, or gives other numbers where the format has checksums.
"""

import os
import warnings

import numpy as np
import pytest
from damage import FORMATS, mutant

from simlib import datasets

# By hand, with more: SIMLIB_MUTANTS=2000 python -m pytest tests/test_damaged.py
MUTANTS = range(int(os.environ.get("SIMLIB_MUTANTS", 60)))
# Every value of theirs is under a checksum; names of a parquet file's columns are not.
CHECKED = ("npz", "mat5-packed", "parquet")
LONGEST = 1500


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv("SIMLIB_READ_SECONDS", "5")


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused_by_name(name, tmp_path):
    file, write, options = FORMATS[name]
    whole, copy = tmp_path / file, tmp_path / f"b{file[1:]}"
    write(whole)
    expected, read, refused = datasets.load(whole, **options), 0, 0
    for seed in MUTANTS:
        mutant(whole, copy, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = datasets.load(copy, **options)
            except ValueError as error:
                said = str(error)
                assert type(error) is ValueError and len(said) <= LONGEST, f"seed {seed}: {said}"
                assert copy.name in said, f"seed {seed}: {said}"
                refused += 1
                continue
        read += 1
        if name in CHECKED:
            np.testing.assert_array_equal(found.values, expected.values, err_msg=f"seed {seed}")
            labels = [
                one.values.tolist() for one in found.coords.values() if one.dims == ("trial",)
            ]
            assert expected["target"].values.tolist() in labels, f"seed {seed}"
    assert refused > 0 and read + refused == len(MUTANTS)
    assert datasets.load(whole, **options).identical(expected)
