"""What .mat and HDF5 files hold: version 5 and 7.3 give the same names, shapes and values; nothing
vanishes, and what can't be read says why and what to do.
"""

import itertools
import os
import struct
import time
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from simlib import datasets
from simlib.datasets.own import matlab

WRITTEN_BY_MATLAB = sorted(
    Path(os.path.dirname(scipy.io.__file__), "matlab", "tests", "data").glob("*.mat")
)


# -- Writers: dict is a struct, list of dicts an array of structs, Cell a cell, str and Rows char


COUNT = itertools.count()


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


def write_5(path, packed=False, **variables):
    made = {key: in_version_5(value) for key, value in variables.items()}
    scipy.io.savemat(path, made, do_compression=packed)
    return path


def written(group, name, value, store):
    """A value in a 7.3 file as MATLAB writes it: axes reversed, elements of cells in #refs#."""

    def element(item):
        return written(store, f"r{next(COUNT)}", item, store).ref

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
    if value.dtype.names:  # an array of no structs
        return dataset(np.array(value.shape, "u8"), "struct", MATLAB_empty=np.uint8(1))
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
    for name, held in matlab.mat_contents(path).items():
        values = None
        if held.reason:
            with pytest.raises(ValueError) as error:
                held.read()
            text = str(error.value)
            assert held.reason in text and name in text and path.name in text and len(text) < 1500
        else:
            values = held.read()
            assert values.shape == held.shape
            assert values.size == 0 or (values.dtype.kind in "biuf") == held.numeric
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
    "cells of rows and columns": (Cell([A[:1], A[:3, :1]]), {"v[:]": "from (1, 3) to (3, 1)"}),
    "no structs": (np.empty((0, 0), dtype=[("x", object)]), {"v": (0, 0)}),
    "struct without fields": ({}, {"v": "a struct without fields"}),
    "nested text": (Cell([Cell(["a"]), Cell(["b"])]), {"v[:]": (2,)}),
    "letters of two codes": (Cell(["\N{RAT}", "\N{MOUSE}s", "a"]), {"v": (3,)}),
    "cells of unequal arrays": (Cell([A, A[:2], A[:4]]), {"v[:]": (3, 5, 3)}),
    "cells unequal along two axes": (
        Cell([A, A[:2], A[:4, :2]]),
        {"v[:]": r"from (2, 3) to (5, 3)"},
    ),
    "cells of unequal rows": (
        Cell([A[:1], A[:1, :2]]),
        {"v[:]": r"from (1, 2) to (1, 3)"},
    ),
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
        {"v[:].data": (3, 14, 3)},
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
            expected = np.array(np.nan) if empty else part
            if part.ndim == whole.ndim == 2 and part.shape != whole.shape:
                longer = np.subtract(whole.shape, part.shape)  # one that ends early
                assert (longer >= 0).all() and (longer > 0).sum() == 1
                expected = np.pad(part, [(0, size) for size in longer], constant_values=np.nan)
            expected = expected.reshape(whole.shape)
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
    held = matlab.mat_contents(path)
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


# -- What only MATLAB can read: named, with the way out; its numbers are no labels

WAYS = {
    "string": "cellstr(x)",
    "categorical": "cellstr(x)",
    "table": "table2struct(x",
    "timetable": "timetable2table(x)",
    "datetime": "posixtime(x)",
    "duration": "seconds(x)",
    "containers.Map": "keys(x) and values(x)",
    "function_handle": "func2str(x)",
    "MyOwnClass": "struct(x)",
}
OBJECT = np.array([[0xDD000000], [2], [1], [1], [1], [1]], "u4")  # what stands in its place


def element_5(kind, content, order):
    """An element of a version 5 file; up to four bytes stand beside the tag."""
    if kind == 1 and 0 < len(content) <= 4:
        return struct.pack(f"{order}I", len(content) << 16 | kind) + content.ljust(4, b"\0")
    content += b"\0" * (-len(content) % 8)
    return struct.pack(f"{order}II", kind, len(content)) + content


def object_5(name, kind, order="<"):
    """A variable of a class of MATLAB's own, as version 5 writes it."""
    ids = element_5(6, struct.pack(f"{order}II", 13, 0), order)
    ids += element_5(5, struct.pack(f"{order}ii", 6, 1), order) + struct.pack(f"{order}II", 1, 0)
    ids += element_5(6, OBJECT.astype(f"{order}u4").tobytes(), order)
    flags = element_5(6, struct.pack(f"{order}II", 17, 0), order)
    # the tag of a text holds its length, without the bytes that fill it up
    texts = [text_5(text, order) for text in (name, "MCOS", kind)]
    return element_5(14, flags + b"".join(texts) + element_5(14, ids, order), order)


def text_5(text, order):
    content = text.encode()
    if 0 < len(content) <= 4:
        return element_5(1, content, order)
    filled = content + b"\0" * (-len(content) % 8)
    return struct.pack(f"{order}II", 1, len(content)) + filled


def with_objects(version, path, kind, packed=False):
    """A file with numbers X and two objects of a class, `choice` and `go`."""
    WRITE[version](path, X=A)
    if version == "5":
        made = [object_5("choice", kind), object_5("go", kind)]
        if packed:
            made = [zlib.compress(one) for one in made]
            made = [struct.pack("<II", 15, len(one)) + one for one in made]
        with open(path, "ab") as file:
            file.write(b"".join(made))
        return path
    with h5py.File(path, "a") as file:
        for name in ("choice", "go"):
            item = file.create_dataset(name, data=OBJECT.T)
            item.attrs["MATLAB_class"] = np.bytes_(kind)
            item.attrs["MATLAB_object_decode"] = np.int32(3)
        file.create_group("#subsystem#").create_dataset("MCOS", data=OBJECT)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("version", WRITE)
@pytest.mark.parametrize("kind", WAYS)
def test_objects_are_named_with_the_way_out(tmp_path, version, kind, packed):
    found = contents(with_objects(version, tmp_path / "a.mat", kind, packed))
    assert list(found) == ["X", "choice", "go"]
    for name in ("choice", "go"):
        shape, numeric, reason, within, _ = found[name]
        assert (shape, numeric, within) == ((), False, "")
        assert f"a MATLAB {kind}" in reason and WAYS[kind] in reason


def test_objects_in_structs_and_cells_are_named(tmp_path):
    path = WRITE["7.3"](tmp_path / "a.mat", D=[{"x": A, "side": A}] * 3, c=Cell([A, A]))
    with h5py.File(path, "a") as file:
        for ref in [*file["D/side"][()].ravel(), file["c"][0, 0]]:
            file[ref].attrs["MATLAB_class"] = np.bytes_("string")
    found = contents(path)
    assert found["D[:].x"][0] == (3, 5, 3)
    assert found["D[:].side"][:2] == ((3,), False)
    assert found["D[:].side"][2].startswith("a MATLAB string array: save cellstr(x)")
    assert found["c[:]"][2].startswith("in 1 of 2 elements a MATLAB string array")
    assert found["c[1]"][0] == (5, 3) and found["c[0]"][2]


def test_objects_in_a_cell_of_version_5(tmp_path):
    head = element_5(6, struct.pack("<II", 1, 0), "<") + element_5(5, struct.pack("<ii", 1, 2), "<")
    inside = head + text_5("c", "<") + object_5("", "datetime") + object_5("", "datetime")
    path = write_5(tmp_path / "a.mat", X=A)
    with open(path, "ab") as file:
        file.write(element_5(14, inside, "<"))
    found = contents(path)
    assert list(found) == ["X", "c[:]", "c[0]", "c[1]"]
    assert all("posixtime" in found[name][2] for name in list(found)[1:])


def test_a_big_endian_file_names_its_objects(tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + object_5("t", "table", ">")
    )
    assert "table2struct" in contents(path)["t"][2]


def test_old_objects_and_functions_are_named():
    reasons = {
        name: one[2]
        for path in WRITTEN_BY_MATLAB
        if path.stem.startswith(("testobject", "testfunc", "some_functions"))
        for name, one in contents(path).items()
    }
    assert "inline" in reasons["testobject"]
    assert "func2str" in reasons["testfunc"] and "func2str" in reasons["parabola"]


# -- Plain HDF5


def every_kind(file):
    """One dataset of every type of HDF5 -> name -> shape and values, or a word of the reason."""
    file["x"] = A
    file["scalar"] = 3.5
    file["big_endian"] = A.astype(">f8")
    file["half"] = A.astype("f2")
    file["flags"] = A > 0
    file["z"] = A + 1j
    file["group/deep/y"] = np.arange(4)
    file["words"] = np.array([b"left ", b"right", b"up\0\0\0"])
    file.create_dataset("text", data=["links", "größer", ""], dtype=h5py.string_dtype())
    file["one_text"] = "session"
    sides = h5py.enum_dtype({"left": 0, "right": 1}, basetype="i1")
    file.create_dataset("sides", data=np.array([0, 1, 1], "i1"), dtype=sides)
    ragged = file.create_dataset("ragged", (2,), dtype=h5py.vlen_dtype("f8"))
    ragged[0], ragged[1] = [1.0, 2.0], [3.0]
    even = file.create_dataset("even", (2,), dtype=h5py.vlen_dtype("i4"))
    even[0], even[1] = [1, 2], [3, 4]
    file["table"] = np.array([(1, 0.5, b"a"), (2, 1.5, b"b")], "i4, f8, S3")
    file["nested"] = np.array([((1, 2), [3, 4])], [("p", "i4, i4"), ("q", "i4", (2,))])
    file["null"] = h5py.Empty("f8")
    file["null_text"] = h5py.Empty(h5py.string_dtype())
    file["void"] = np.array([b"ab", b"cd"], dtype="V2")
    file["none"] = np.empty((0, 3))
    file["regions"] = np.array([file["x"].regionref[:2]], dtype=h5py.regionref_dtype)
    file["refs"] = np.array([file["x"].ref, file["half"].ref], dtype=h5py.ref_dtype)
    nowhere = file.create_dataset("nowhere", (2,), dtype=h5py.ref_dtype)
    nowhere[0] = file["x"].ref
    file["a_type"] = np.dtype("f8")
    file.create_group("bare")
    file["soft"] = h5py.SoftLink("/group/deep")
    file["lost"] = h5py.SoftLink("/no/where")
    file["outside"] = h5py.ExternalLink("other.h5", "/x")
    file["gone"] = h5py.ExternalLink("missing.h5", "/x")
    file["marked"] = A.T
    file["marked"].attrs["MATLAB_class"] = np.array([b"double"])
    file["group/up"] = h5py.SoftLink("/group")
    file["group/deep/top"] = file["/"]
    return {
        "x": A,
        "scalar": 3.5,
        "marked": A,
        "big_endian": A,
        "half": A.astype("f2"),
        "flags": A > 0,
        "z": A + 1j,
        "group.deep.y": np.arange(4),
        "soft.y": np.arange(4),
        "words": ["left", "right", "up"],
        "text": ["links", "größer", ""],
        "one_text": "session",
        "sides": ["left", "right", "right"],
        "ragged[:]": "from (1,) to (2,)",
        "even[:]": [[1, 2], [3, 4]],
        "table.f0": [1, 2],
        "table.f1": [0.5, 1.5],
        "table.f2": ["a", "b"],
        "nested.p": "of the type",
        "nested.q": [[3, 4]],
        "null": np.empty(0),
        "null_text": np.empty(0, dtype=str),
        "void": "of the type",
        "none": np.empty((0, 3)),
        "regions": "references to regions",
        "refs[:]": [A, A.astype("f2")],
        "nowhere[:]": "in 1 of 2 elements a reference that leads nowhere",
        "bare": "a group without arrays",
        "lost": "a link to /no/where that isn't there",
        "outside": "a link into",
        "gone": "a link to missing.h5 /x that isn't there",
        "group.up": "a link back",
        "group.deep.top": "a link back",
        "soft.top": "a link back",
    }


def test_every_type_of_plain_hdf5_is_read_or_named(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = -A
    with h5py.File(tmp_path / "a.h5", "w") as file:
        expected = every_kind(file)
    held = matlab.hdf5_contents(tmp_path / "a.h5")
    assert {name for name, one in held.items() if not one.within} == expected.keys()
    for name, what in expected.items():
        one = held[name]
        if one.reason:
            assert what in one.reason
            with pytest.raises(ValueError, match="can't be read: it is"):
                one.read()
        else:
            values = one.read()
            assert values.shape == one.shape == np.shape(what)
            assert values.dtype.isnative and values.dtype.kind not in "OSV"
            np.testing.assert_array_equal(values, what)
            assert one.numeric == (values.dtype.kind in "biuf")


def test_a_chain_without_end_ends(tmp_path):
    """Groups within groups, and cells that hold the cell that holds them."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(400):
            group = group.create_group("g")
        group["x"] = A
        cells = file.create_dataset("c", (2,), dtype=h5py.ref_dtype)
        cells[0], cells[1] = cells.ref, file["/"].ref
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        for k in range(20):  # each to all others: more ways through them than can be walked
            file.create_dataset(f"all/{k}", (20,), dtype=h5py.ref_dtype)
        for k in range(20):
            file[f"all/{k}"][:] = [file[f"all/{j}"].ref for j in range(20)]
            file.create_group(f"linked/{k}")["x"] = k
        for k in range(10):
            for j in range(10):
                file[f"linked/{k}/to{j}"] = file[f"linked/{j}"]
    found = contents_of_hdf5(tmp_path / "a.h5")
    assert any("deep" in one.reason for one in found.values())
    assert "back" in found["c[0]"].reason and "back" in found["c[1]"].reason
    assert found["linked.3.x"].read() == 3
    assert any("a group that 100 others lead to" in one.reason for one in found.values())
    assert "a reference to /all/1: load what that holds" in found["all.0[1]"].reason


def contents_of_hdf5(path):
    held = matlab.hdf5_contents(path)
    for one in held.values():
        if one.reason:
            with pytest.raises(ValueError):
                one.read()
        else:
            assert one.read().shape == one.shape
    return held


@pytest.mark.parametrize("mandatory", [False, True])
def test_a_filter_that_is_not_installed_is_named(tmp_path, mandatory):
    """Chunks written as they are, said to be compressed by blosc (id 32001)."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = A
        for name, skipped in {"packed": 0, "plain": 1}.items():
            made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            made.set_chunk(A.shape)
            made.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (2, 2))
            space, kind = h5py.h5s.create_simple(A.shape), h5py.h5t.NATIVE_DOUBLE
            made = h5py.h5d.create(file.id, name.encode(), kind, space, made)
            made.write_direct_chunk((0, 0), A.tobytes(), filter_mask=skipped)
    if mandatory:
        raw = (tmp_path / "a.h5").read_bytes()
        message = struct.pack("<HHHH", 32001, 0, 1, 2)
        assert message in raw
        (tmp_path / "a.h5").write_bytes(raw.replace(message, struct.pack("<HHHH", 32001, 0, 0, 2)))
    found = contents_of_hdf5(tmp_path / "a.h5")
    assert "filter (id 32001" in found["packed"].reason and "gzip" in found["packed"].reason
    assert "hdf5plugin" in found["packed"].reason and found["packed"].shape == A.shape
    np.testing.assert_array_equal(found["plain"].read(), A)


def test_a_view_of_files_that_are_not_there_is_named(tmp_path):
    """HDF5 itself fills in zeros."""
    for k in range(2):
        with h5py.File(tmp_path / f"part{k}.h5", "w") as file:
            file["x"] = A + k
    layout = h5py.VirtualLayout((2, *A.shape), "f8")
    for k in range(2):
        layout[k] = h5py.VirtualSource(f"part{k}.h5", "x", A.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    np.testing.assert_array_equal(matlab.hdf5_contents(tmp_path / "a.h5")["x"].read(), [A, A + 1])
    (tmp_path / "part1.h5").unlink()
    held = matlab.hdf5_contents(tmp_path / "a.h5")["x"]
    assert held.shape == (2, 5, 3) and "1 files that aren't there: part1.h5" in held.reason


# -- Files that are damaged, or something else


def test_files_that_matlab_wrote_are_read_or_refused_by_name():
    assert len(WRITTEN_BY_MATLAB) > 90
    refused = []
    for path in WRITTEN_BY_MATLAB:
        try:
            matlab.mat_contents(path)
        except ValueError as error:
            assert path.name in str(error) and len(str(error)) < 1500
            refused.append(path.stem)
        else:
            contents(path)
    assert len(refused) < 8 and {"corrupted_zlib_data", "malformed1"} < set(refused)


def test_versions_4_to_7_of_one_content_agree():
    """The same variables, written by MATLAB 4.2 to 7.4."""
    families = {}
    for path in WRITTEN_BY_MATLAB:
        families.setdefault(path.stem.split("_")[0], []).append(path)
    families = {name: paths for name, paths in families.items() if len(paths) > 3}
    assert {"testsparse", "teststringarray", "testcell", "teststructarr"} <= families.keys()
    for paths in families.values():
        first, *others = [contents(path) for path in paths]
        for other in others:
            assert other.keys() == first.keys()
            for name in first:
                assert other[name][:4] == first[name][:4]
                if first[name][4] is not None and first[name][4].dtype.kind == "U":
                    assert other[name][4].tolist() == first[name][4].tolist()
                elif first[name][4] is not None:
                    np.testing.assert_allclose(other[name][4], first[name][4])


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b"PK\x03\x04 and more", "a zip archive"),
        (b"\x93NUMPY\x01\x00", "NumPy's .npy"),
        (b"CDF\x01\x00\x00\x00\x00", "netCDF"),
        (b"trial,neuron,value\n0,1,2\n", "text, 'trial,neuron"),
        (b"<!DOCTYPE html><html>", "text, '<!DOCTYPE"),
        (b"version https://git-lfs.github.com/spec/v1\n", "text, 'version https"),
        (b"\x00\x01\x02\x03 this \xff", "the bytes"),
        (b"", "it is empty"),
        (b"\x00" * 300, "the bytes"),
        (b"\x89HDF\r\n\x1a\n cut short", "HDF5"),
        (b"MATLAB\xff\xfe", "begins as a MATLAB"),
    ],
)
def test_other_files_are_named_by_what_they_are(tmp_path, first, words):
    path = tmp_path / "a.mat"
    path.write_bytes(first * (1 if len(first) > 100 else 20))
    for reader in (matlab.mat_contents, matlab.hdf5_contents):
        with pytest.raises(ValueError) as error:
            reader(path)
        assert "a.mat can't be read" in str(error.value) and words in str(error.value)
        assert len(str(error.value)) < 1500


@pytest.mark.parametrize("version", WRITE)
def test_cut_and_changed_files_raise_nothing_but_value_errors(tmp_path, version):
    """Files cut at any place, or with bytes changed: contents, or ValueError naming the file.

    Those of version 5 compressed, as MATLAB writes them: scipy checks nothing else.
    """
    whole = WRITE[version](
        tmp_path / "whole.mat",
        D=trials((5, 3), (5, 3), side="left"),
        c=Cell(["a", "b", ""]),
        s=SPARSE,
        x=A,
        **({"packed": True} if version == "5" else {}),
    ).read_bytes()
    changed = np.random.default_rng(3)
    refused = 0
    for k in range(60):
        data = bytearray(whole)
        if k < 30:
            data = data[: len(data) * k // 30]
        else:
            for place in changed.integers(128, len(data), 8):
                data[place] ^= 1 << int(changed.integers(8))
        path = tmp_path / "cut.mat"
        path.write_bytes(data)
        try:
            found = matlab.mat_contents(path)
        except ValueError as error:
            assert "cut.mat can't be read" in str(error) and len(str(error)) < 1500
            refused += 1
            continue
        for held in found.values():
            try:
                assert held.read().shape == held.shape
            except ValueError as error:
                assert "cut.mat" in str(error) and len(str(error)) < 1500
    assert refused >= 29


def test_damage_to_one_array_leaves_the_others(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = A
        file.create_dataset("y", data=np.arange(4000.0), compression="gzip", fletcher32=True)
        chunk = file["y"].id.get_chunk_info(0)
    with open(tmp_path / "a.h5", "r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        file.write(b"\xff" * 40)
    held = matlab.hdf5_contents(tmp_path / "a.h5")
    np.testing.assert_array_equal(held["x"].read(), A)
    with pytest.raises(ValueError, match=r"y of a\.h5 can't be read .*save the file again"):
        held["y"].read()


def test_a_sparse_matrix_that_does_not_fit_itself_is_refused(tmp_path):
    for name, place in {"ir": 0, "jc": -1}.items():
        path = write_73(tmp_path / f"{name}.mat", s=SPARSE)
        with h5py.File(path, "a") as file:
            file[f"s/{name}"][place] = 90
        with pytest.raises(ValueError, match=rf"s of {name}\.mat can't be read"):
            matlab.mat_contents(path)["s"].read()


def test_a_variable_that_scipy_gives_up_is_no_text(tmp_path, monkeypatch):
    """It then gives its words in the variable's place."""
    loaded = scipy.io.loadmat
    path = write_5(tmp_path / "a.mat", x=A, y=A)
    damaged = {"y": "Read error: it is cut"}
    monkeypatch.setattr(scipy.io, "loadmat", lambda *a, **b: loaded(*a, **b) | damaged)
    found = contents(path)
    assert found["x"][0] == (5, 3) and "Read error: it is cut" in found["y"][2]


# -- Many elements


@pytest.mark.parametrize("version", WRITE)
def test_two_thousand_structs_are_listed_in_seconds(tmp_path, version, monkeypatch):
    many = [{"data": A + k, "choice": one(float(k)), "name": f"n{k}"} for k in range(2000)]
    path = WRITE[version](tmp_path / "a.mat", D=many)
    opened, whole = [], h5py.File
    monkeypatch.setattr(h5py, "File", lambda *args: opened.append(args) or whole(*args))
    start = time.process_time()
    held = matlab.mat_contents(path)
    assert time.process_time() - start < 20  # about 2 s
    assert len(held) == 3 + 3 * 2000 and held["D[:].data"].shape == (2000, 5, 3)
    listed = len(opened)
    values = held["D[:].data"].read()
    assert (listed, len(opened)) == ((1, 2) if version == "7.3" else (0, 0))
    np.testing.assert_array_equal(values, [item["data"] for item in many])
    assert held["D[:].name"].read()[[0, 1999]].tolist() == ["n0", "n1999"]


def test_of_version_73_nothing_is_read_until_asked_for(tmp_path, monkeypatch):
    path = WRITE["7.3"](tmp_path / "a.mat", D=trials((5, 3), (5, 3)), x=A, s=SPARSE, w="left")
    read = []
    getitem = h5py.Dataset.__getitem__

    def counted(self, *args, **options):
        if h5py.check_ref_dtype(self.dtype) is None:
            read.append(self.name)
        return getitem(self, *args, **options)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    held = matlab.mat_contents(path)
    assert read == []
    held["D[:].data"].read()
    assert len(read) == 2


def test_labels_of_every_kind_reach_the_recording(tmp_path):
    """One label a trial, as char matrix, cells, numbers and logicals."""
    sides = ["left", "right"] * 3
    labels = {
        "a": Rows([f"{side:5s}" for side in sides]),
        "b": Cell(sides),
        "c": numbers(*[0, 1] * 3),
        "d": Cell(one(side == "left") for side in sides),
        "e": np.array([[side == "left"] for side in sides]),
    }
    for version, write in WRITE.items():
        path = write(tmp_path / f"a{version}.mat", X=rng.standard_normal((4, 6, 2)), **labels)
        data = datasets.load(path)
        for name in labels:
            assert len(np.unique(data[name].values)) == 2
        assert data["a"].values.tolist() == data["b"].values.tolist() == sides
