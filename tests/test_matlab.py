"""What .mat and HDF5 files hold: version 5 and 7.3 give the same names, shapes and values; nothing
vanishes, and what can't be read says why and what to do.
"""

import os
import re
import struct
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from simlib import datasets
from simlib.datasets.own.matlab import hdf5_contents, mat_contents

WRITTEN_BY_MATLAB = sorted(
    Path(os.path.dirname(scipy.io.__file__), "matlab", "tests", "data").glob("*.mat")
)


# -- Writers: dict is a struct, list of dicts an array of structs, Cell a cell, str and Rows char


class Cell(list):
    """A cell array (1, n), or of the shape `shape`, column by column."""

    shape = None


class Rows(list):
    """A char matrix, a string a row."""


def cell(items, shape):
    made = Cell(items)
    made.shape = shape
    return made


def in_version_5(value):
    """A value as savemat takes it."""
    if isinstance(value, Cell):
        made = np.empty(len(value), dtype=object)
        made[:] = [np.empty((0, 0))] * len(value)
        for k, item in enumerate(value):
            made[k] = in_version_5(item)
        return made.reshape(value.shape or (1, len(value)), order="F")
    if isinstance(value, Rows):
        return np.array(value)
    if isinstance(value, dict):
        return {key: in_version_5(item) for key, item in value.items()}
    if isinstance(value, list):
        made = np.empty((1, len(value)), dtype=[(key, object) for key in value[0]])
        for k, item in enumerate(value):
            for key in item:
                made[0, k][key] = in_version_5(item[key])
        return made
    return value


def write_5(path, **variables):
    scipy.io.savemat(path, {key: in_version_5(value) for key, value in variables.items()})
    return path


def written(group, name, value, store):
    """A value in a 7.3 file as MATLAB writes it: axes reversed, elements of cells in #refs#."""

    def element(item):
        return written(store, f"r{len(store)}", item, store).ref

    def dataset(data, kind, **attributes):
        item = group.create_dataset(name, data=data)
        item.attrs["MATLAB_class"] = np.bytes_(kind)
        for key, value in attributes.items():
            item.attrs[key] = value
        return item

    if isinstance(value, Cell):
        shape = value.shape or (1, len(value))
        if not value:
            return dataset(np.array(shape, "u8"), "cell", MATLAB_empty=np.uint8(1))
        refs = np.array([element(item) for item in value], dtype=h5py.ref_dtype)
        return dataset(refs.reshape(shape[::-1]), "cell")
    if isinstance(value, dict):
        made = group.create_group(name)
        made.attrs["MATLAB_class"] = np.bytes_("struct")
        for key, item in value.items():
            written(made, key, item, store)
        return made
    if isinstance(value, Rows | str):
        rows = [value] if isinstance(value, str) else value
        codes = np.array([np.frombuffer(row.encode("utf-16-le"), "u2") for row in rows])
        if codes.size == 0:
            size = np.zeros(2, "u8")
            return dataset(size, "char", MATLAB_empty=np.uint8(1), MATLAB_int_decode=np.int32(2))
        return dataset(codes.T, "char", MATLAB_int_decode=np.int32(2))
    if isinstance(value, list):
        made = group.create_group(name)
        made.attrs["MATLAB_class"] = np.bytes_("struct")
        for key in value[0]:
            refs = [[element(item[key])] for item in value]
            made.create_dataset(key, data=np.array(refs, dtype=h5py.ref_dtype))
        return made
    if scipy.sparse.issparse(value):
        value = value.tocsc()
        made = group.create_group(name)
        made.attrs["MATLAB_class"] = np.bytes_("logical" if value.dtype == bool else "double")
        made.attrs["MATLAB_sparse"] = np.uint64(value.shape[0])
        made["jc"] = value.indptr.astype("u8")
        if value.nnz:
            made["data"], made["ir"] = pairs(value.data), value.indices.astype("u8")
        return made
    value = np.asarray(value)
    kind = {"f8": "double", "f4": "single", "b1": "logical", "c16": "double"}.get(
        value.dtype.str[1:], value.dtype.name
    )
    if value.size == 0:
        return dataset(np.array(value.shape, "u8"), kind, MATLAB_empty=np.uint8(1))
    if kind == "logical":
        return dataset(value.T.astype("u1"), kind, MATLAB_int_decode=np.int32(1))
    return dataset(pairs(value.T), kind)


def pairs(values):
    """Complex numbers as MATLAB's pairs; others as they are, logicals as bytes."""
    if values.dtype.kind != "c":
        return values.astype("u1") if values.dtype == bool else values
    made = np.empty(values.shape, [("real", "f8"), ("imag", "f8")])
    made["real"], made["imag"] = values.real, values.imag
    return made


def write_73(path, **variables):
    with h5py.File(path, "w", userblock_size=512) as file:
        store = file.create_group("#refs#")
        for key, value in variables.items():
            written(file, key, value, store)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


WRITE = {"5": write_5, "7.3": write_73}


def contents(path):
    """Names, and of each shape, whether numeric, reason, what holds it, and values."""
    found = {}
    for name, held in mat_contents(path).items():
        values = None
        if held.reason:
            with pytest.raises(ValueError) as error:
                held.read()
            text = str(error.value)
            assert held.reason in text and name in text and path.name in text and len(text) < 1500
        else:
            values = held.read()
            assert values.shape == held.shape
            assert (values.dtype.kind in "biuf") == held.numeric
        found[name] = (held.shape, held.numeric, held.reason, held.within, values)
    assert all(not one[3] or one[3] in found for one in found.values())
    return found


rng = np.random.default_rng(0)
A = rng.standard_normal((5, 3))
SPARSE = scipy.sparse.random(6, 4, density=0.4, random_state=0, format="csc")
nothing = np.empty((0, 0))


def one(value):
    return np.array([[value]])


def trials(*sizes, **more):
    return [{"data": rng.standard_normal(size), **more} for size in sizes]


def numbers(*values):
    return Cell(one(float(value)) for value in values)


# content -> what it holds: name -> shape or a word of its reason; elements within others left out
CONTENTS = {
    "matrix": (A, {"v": (5, 3)}),
    "three axes": (rng.standard_normal((2, 3, 4)), {"v": (2, 3, 4)}),
    "row": (A[:1], {"v": (1, 3)}),
    "column": (A[:, :1], {"v": (5, 1)}),
    "one number": (one(3.0), {"v": (1, 1)}),
    "empty": (nothing, {"v": (0, 0)}),
    "empty row": (np.empty((1, 0)), {"v": (1, 0)}),
    "integers": (np.arange(6, dtype="i2").reshape(2, 3), {"v": (2, 3)}),
    "bytes": (np.arange(6, dtype="u1").reshape(2, 3), {"v": (2, 3)}),
    "large integers": (np.array([[2**60 + 1]]), {"v": (1, 1)}),
    "single": (A.astype("f4"), {"v": (5, 3)}),
    "logical": (A > 0, {"v": (5, 3)}),
    "complex": (A + 1j, {"v": (5, 3)}),
    "not a number": (np.array([[np.nan, np.inf, 1.0]]), {"v": (1, 3)}),
    "sparse": (SPARSE, {"v": (6, 4)}),
    "sparse, all zero": (scipy.sparse.csc_matrix((3, 4)), {"v": (3, 4)}),
    "sparse logical": ((SPARSE > 0.5).tocsc(), {"v": (6, 4)}),
    "sparse complex": ((SPARSE * (1 + 2j)).tocsc(), {"v": (6, 4)}),
    "sparse in a struct": ({"design": SPARSE}, {"v.design": (6, 4)}),
    "sparse in cells": (Cell([SPARSE, 2 * SPARSE]), {"v[:]": (2, 6, 4)}),
    "text": ("left", {"v": (1,)}),
    "text of other letters": ("größer のす", {"v": (1,)}),
    "empty text": ("", {"v": (1,)}),
    "text matrix": (Rows(["left ", "right", "up   "]), {"v": (3,)}),
    "text column": (Rows(["L", "R", "L"]), {"v": (3,)}),
    "cells of text": (Cell(["left", "right", "", "größer"]), {"v": (4,)}),
    "cells of text, one []": (Cell(["left", nothing, "right"]), {"v": (3,)}),
    "cells of empty text": (Cell(["", ""]), {"v": (2,)}),
    "a column of cells of text": (cell(["a", "b", "c"], (3, 1)), {"v": (3,)}),
    "one cell of text": (Cell(["left"]), {"v": (1,)}),
    "cells of text matrices": (Cell([Rows(["a", "b"]), Rows(["c", "d"])]), {"v[:]": (2, 2)}),
    "cells of numbers": (numbers(3, 1, 2), {"v": (3,)}),
    "cells of logicals": (Cell([one(True), one(False)]), {"v": (2,)}),
    "cells of numbers, one []": (Cell([one(1.0), nothing, one(2.0)]), {"v": (3,)}),
    "cells of integers, one []": (Cell([one(np.int8(1)), nothing]), {"v": (2,)}),
    "cells of numbers and text": (Cell([one(1.0), "a"]), {"v[:]": "mixed kinds"}),
    "cells of arrays": (Cell([A, A + 1, A + 2]), {"v[:]": (3, 5, 3)}),
    "cells of rows": (Cell([A[:1], A[1:2]]), {"v[:]": (2, 3)}),
    "cells of columns": (Cell([A[:, :1], A[:, 1:2]]), {"v[:]": (2, 5)}),
    "cells of unequal arrays": (Cell([A, A[:2], A[:4]]), {"v[:]": r"from (2, 3) to (5, 3)"}),
    "cells of arrays and []": (Cell([A, nothing]), {"v[:]": "from (0, 0) to (5, 3)"}),
    "cells of []": (Cell([nothing, nothing]), {"v[:]": (2, 0, 0)}),
    "two axes of cells": (cell([A, A + 1, A + 2, A + 3], (2, 2)), {"v[:]": (4, 5, 3)}),
    "cells of cells": (Cell([Cell([A, 2 * A]), Cell([3 * A, 4 * A])]), {"v[:][:]": (2, 2, 5, 3)}),
    "cells of cells of text": (Cell([Cell(["a", "b"]), Cell(["c", "d"])]), {"v[:]": (2, 2)}),
    "cells of unequal cells": (
        Cell([Cell([A, A]), Cell([A, A, A])]),
        {"v[:][:]": "2 to 3 elements"},
    ),
    "one cell": (Cell([A]), {"v[0]": (5, 3)}),
    "one struct in a cell": (Cell([{"x": A}]), {"v[0].x": (5, 3)}),
    "no cells": (cell([], (0, 0)), {"v": (0, 0)}),
    "cells of structs": (Cell(trials((5, 3), (5, 3))), {"v[:].data": (2, 5, 3)}),
    "cells of unlike structs": (
        Cell([{"x": A}, {"x": A, "y": A}]),
        {"v[:].x": (2, 5, 3), "v[:].y": "an array or nothing"},
    ),
    "cells of structs and arrays": (Cell([{"x": A}, A]), {"v[:]": "a struct"}),
    "struct": ({"rates": A, "tgt": A[:1]}, {"v.rates": (5, 3), "v.tgt": (1, 3)}),
    "struct in a struct": ({"a": {"b": {"c": A}}}, {"v.a.b.c": (5, 3)}),
    "one array of structs": (trials((5, 3)), {"v.data": (5, 3)}),
    "array of structs": (
        [{"data": A + k, "choice": one(float(k)), "name": f"n{k}"} for k in range(3)],
        {"v[:].data": (3, 5, 3), "v[:].choice": (3,), "v[:].name": (3,)},
    ),
    "array of structs of rows": (trials((1, 4), (1, 4), (1, 4)), {"v[:].data": (3, 4)}),
    "array of structs of columns": (trials((10, 1), (10, 1)), {"v[:].data": (2, 10)}),
    "array of structs, unequal": (
        trials((8, 3), (14, 3), (11, 3)),
        {"v[:].data": "3 arrays of unequal shape, from (8, 3) to (14, 3)"},
    ),
    "array of structs, [] beside numbers": (
        [{"rt": one(0.3)}, {"rt": nothing}, {"rt": one(0.5)}],
        {"v[:].rt": (3,)},
    ),
    "array of structs, '' beside text": (
        [{"side": "left"}, {"side": ""}, {"side": "right"}],
        {"v[:].side": (3,)},
    ),
    "array of structs of sparse": ([{"s": SPARSE}, {"s": SPARSE}], {"v[:].s": (2, 6, 4)}),
    "array of structs of structs": (
        [{"inner": {"x": A[:1] + k, "y": one(float(k))}} for k in range(3)],
        {"v[:].inner.x": (3, 3), "v[:].inner.y": (3,)},
    ),
    "array of structs of arrays of structs": (
        [{"inner": [{"x": A}, {"x": A + k}]} for k in range(3)],
        {"v[:].inner[:].x": (3, 2, 5, 3)},
    ),
    "array of structs of cells": (
        [{"trial": Cell([A, A + k])} for k in range(3)],
        {"v[:].trial[:]": (3, 2, 5, 3)},
    ),
    "array of structs of one cell": (
        [{"trial": Cell([A + k])} for k in range(3)],
        {"v[:].trial[0]": (3, 5, 3)},
    ),
    "array of structs of cells of text": (
        [{"names": Cell(["a", "b"])}, {"names": Cell(["c", "d"])}],
        {"v[:].names": (2, 2)},
    ),
    "array of structs, some cells of numbers": (
        [{"spikes": Cell([A[:1], one(1.0)])}, {"spikes": numbers(1, 2)}],
        {"v[:].spikes[:]": "unequal shape"},
    ),
    "trials of FieldTrip": (
        {
            "trial": Cell([A, A + 1]),
            "time": Cell([A[:1], A[:1]]),
            "trialinfo": A[:2, :1],
            "label": cell(list("abcde"), (5, 1)),
        },
        {"v.trial[:]": (2, 5, 3), "v.time[:]": (2, 3), "v.trialinfo": (2, 1), "v.label": (5,)},
    ),
    "data of EEGLAB": (
        {"data": rng.standard_normal((4, 5, 6)), "event": [{"type": "a"}, {"type": "b"}]},
        {"v.data": (4, 5, 6), "v.event[:].type": (2,)},
    ),
    "logicals and numbers": ([{"x": one(True)}, {"x": one(0.5)}], {"v[:].x": (2,)}),
    "complex and real": ([{"x": one(1j)}, {"x": one(0.5)}], {"v[:].x": (2,)}),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_both_versions_hold_the_same(tmp_path, content):
    value, expected = CONTENTS[content]
    found = {
        version: contents(write(tmp_path / f"a{version}.mat", v=value, other=A))
        for version, write in WRITE.items()
    }
    assert found["5"].keys() == found["7.3"].keys()
    for name, one_ in found["5"].items():
        other = found["7.3"][name]
        assert one_[:4] == other[:4]
        if one_[4] is not None:
            np.testing.assert_array_equal(one_[4], other[4])
            logical_sparse = content == "sparse logical"  # savemat doesn't mark those
            assert logical_sparse or one_[4].dtype.kind == other[4].dtype.kind
    listed = {name: one for name, one in found["7.3"].items() if not one[3]}
    assert listed.keys() == {*expected, "other"}
    for name, what in expected.items():
        shape, _, reason, _, _ = listed[name]
        assert what in reason if isinstance(what, str) else (shape, reason) == (what, "")


def elements(name, count):
    """Name of each element of a stacked entry."""
    return [name.replace("[:]", f"[{k}]") for k in range(count)]


@pytest.mark.parametrize("version", WRITE)
@pytest.mark.parametrize("content", CONTENTS)
def test_a_stacked_array_is_its_elements_in_order(tmp_path, content, version):
    value, _ = CONTENTS[content]
    found = contents(WRITE[version](tmp_path / "a.mat", v=value))
    for name, (shape, _, reason, _, values) in found.items():
        if name.count("[:]") != 1 or reason:
            continue
        parts = [found[one][4] for one in elements(name, shape[0])]
        assert all(found[one][3] for one in elements(name, shape[0]))
        assert list(found).index(name) < list(found).index(elements(name, shape[0])[0])
        for whole, part in zip(values, parts, strict=True):
            empty = part.size == 0 and whole.shape == ()
            expected = np.array(np.nan) if empty else part.reshape(whole.shape)
            np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("version", WRITE)
def test_values_are_those_written(tmp_path, version):
    path = WRITE[version](
        tmp_path / "a.mat",
        words=Rows(["left ", "right", "up   "]),
        cells=Cell(["größer", "", "のす"]),
        logical=A > 0,
        numbers=numbers(3, 1, 2),
        flags=Cell([one(True), one(False)]),
        gaps=Cell([one(1.0), nothing]),
        z=A + 2j,
        sparse=SPARSE,
        D=[{"side": "left", "rt": nothing, "x": A}, {"side": "", "rt": one(0.5), "x": 2 * A}],
    )
    held = mat_contents(path)
    read = {name: one.read() for name, one in held.items()}
    assert read["words"].tolist() == ["left", "right", "up"]
    assert read["cells"].tolist() == ["größer", "", "のす"]
    assert read["logical"].dtype == bool and read["flags"].dtype == bool
    np.testing.assert_array_equal(read["logical"], A > 0)
    np.testing.assert_array_equal(read["numbers"], [3, 1, 2])
    np.testing.assert_array_equal(read["gaps"], [1, np.nan])
    np.testing.assert_array_equal(read["z"], A + 2j)
    np.testing.assert_array_equal(read["sparse"], SPARSE.toarray())
    np.testing.assert_array_equal(read["D[:].x"], [A, 2 * A])
    np.testing.assert_array_equal(read["D[:].rt"], [np.nan, 0.5])
    assert read["D[:].side"].tolist() == ["left", ""]
    assert held["D[1].x"].within == "D[:].x" and held["numbers[1]"].within == "numbers"
    assert held["D[1].x"].shape == (5, 3) and held["numbers[1]"].read() == 1
