"""Downloads: what a server gives in the place of a file is never kept as the file."""

import gzip
import http.server
import io
import json
import re
import shutil
import threading
import time
import warnings
import zipfile

import numpy as np
import pytest
import scipy.io

from simlib import datasets
from simlib.datasets.paper import SOURCES, Source, transfer

PAGE = b"<!DOCTYPE html><html><title>Please log in</title>" + b" " * 3000 + b"</html>"


def mat(seed=0, size=4000):
    raw = io.BytesIO()
    scipy.io.savemat(raw, {"x": np.random.default_rng(seed).random(size)})
    return raw.getvalue()


def archive(seed=0, folders=("PFC data 1", "PFC data 2")):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as file:
        for k, folder in enumerate(folders):
            file.writestr(f"PFC data/{folder}/unit{k}.mat", mat(seed + k, 400))
    return raw.getvalue()


FILE, OTHER = mat(0), mat(1, 4200)
HALF = len(FILE) // 2


def chunked(body, cut=False):
    """A body in one chunk and the empty one that ends it; `cut` in its middle."""
    whole = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    return whole[: len(whole) // 2] if cut else whole


def sized(body, **headers):
    return {"Content-Length": len(body), **headers}


def part(body, begin, **headers):
    """What goes on at a byte: status, headers, bytes."""
    told = f"bytes {begin}-{len(body) - 1}/{len(body)}"
    return 206, sized(body[begin:], **{"Content-Range": told, **headers}), body[begin:]


ONE, TWO = {"ETag": '"one"'}, {"ETag": '"two"'}
MONDAY, TUESDAY = (
    {"Last-Modified": f"{day} Jan 2024 00:00:00 GMT"} for day in ("Mon, 01", "Tue, 02")
)
CUT = (200, sized(FILE), FILE[:HALF])
WHOLE = (200, sized(FILE), FILE)
CHUNKS = {"Transfer-Encoding": "chunked"}


class Server(http.server.BaseHTTPRequestHandler):
    """Gives the replies of `script` in turn, the last one for ever: (status, headers, bytes), or a
    function from the request's headers to that.
    """

    protocol_version = "HTTP/1.1"
    script, asked, pause = [], [], 0

    def do_GET(self):
        Server.asked.append(dict(self.headers))
        reply = Server.script[min(len(Server.asked), len(Server.script)) - 1]
        status, headers, body = reply(self.headers) if callable(reply) else reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        time.sleep(Server.pause)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Downloads a file by these replies; gives its bytes, or what the error says."""
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path))
    monkeypatch.delenv("SIMLIB_OFFLINE", raising=False)
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=served.serve_forever, daemon=True).start()

    def fetch(*script, name="hatsopoulos2007", file="a.mat", needs=(), pause=0):
        Server.script, Server.asked, Server.pause = list(script), [], pause
        url = f"http://127.0.0.1:{served.server_port}/file"
        monkeypatch.setitem(SOURCES, name, Source(url, file, None, needs))
        try:
            return datasets.download(name).read_bytes()
        except FileNotFoundError as error:
            assert not (tmp_path / name / file).exists()
            message = str(error)
            assert "could not be downloaded" in message and "by other means" in message
            assert len(message) <= 1500
            return message

    yield fetch
    served.shutdown()
    served.server_close()


def goes_on(body, marks):
    """A server that knows ranges: the rest if the file is still the one that was asked for."""

    def reply(headers):
        if headers.get("If-Range") in marks.values():
            return part(body, int(headers["Range"].removeprefix("bytes=").rstrip("-")), **marks)
        return 200, sized(body, **marks), body

    return reply


# -- Where it was cut short


@pytest.mark.parametrize("marks", [ONE, MONDAY], ids=["tag", "date"])
def test_the_same_file_goes_on_where_it_was_cut(fetched, marks):
    assert fetched((200, sized(FILE, **marks), FILE[:HALF]), goes_on(FILE, marks)) == FILE
    assert Server.asked[1]["Range"] == f"bytes={HALF}-" and len(Server.asked) == 2
    assert Server.asked[1]["If-Range"] in marks.values()


@pytest.mark.parametrize(
    ("before", "after"),
    [(ONE, TWO), (MONDAY, TUESDAY), ({"ETag": 'W/"one"'}, {"ETag": 'W/"two"'}), ({}, {})],
    ids=["tag", "date", "weak tag", "nothing"],
)
def test_a_file_that_changed_meanwhile_starts_anew(fetched, before, after):
    assert fetched((200, sized(FILE, **before), FILE[:HALF]), goes_on(OTHER, after)) == OTHER


@pytest.mark.parametrize(
    "odd",
    [
        part(OTHER, HALF, **TWO),  # If-Range is ignored
        part(OTHER, HALF),
        part(FILE, HALF - 100, **ONE),
        (206, sized(FILE[HALF - 100 :], **ONE), FILE[HALF - 100 :]),  # it says no range
        (206, {**part(FILE, HALF, **ONE)[1], "Content-Length": HALF + 9}, FILE[HALF:] + b"9" * 9),
    ],
    ids=["another tag", "another size", "another range", "no range", "longer"],
)
def test_what_does_not_go_on_at_the_end_of_the_part_starts_anew(fetched, odd):
    assert fetched((200, sized(FILE, **ONE), FILE[:HALF]), odd, WHOLE) == FILE


def test_a_part_of_an_earlier_run_goes_on_only_if_it_is_of_the_same_file(fetched, tmp_path):
    cut = (200, sized(FILE, **ONE), FILE[:HALF])
    nothing = (200, sized(FILE, **ONE), b"")
    for body, marks in ((FILE, ONE), (OTHER, TWO)):
        refused = fetched(cut, (503, {"Content-Length": 0}, b""))
        assert "503" in refused and list(tmp_path.rglob("*.part"))
        assert fetched(goes_on(body, marks)) == body
        assert Server.asked[0]["If-Range"] == '"one"'
        assert [path.name for path in sorted(tmp_path.rglob("*.*"))] == ["a.mat", "a.mat.json"]
        shutil.rmtree(tmp_path / "hatsopoulos2007")
    assert "ended after 0 of" in fetched(nothing)


# -- What isn't the file


PAGES = {
    "page": ((200, sized(PAGE, **{"Content-Type": "text/html; charset=utf-8"}), PAGE), "log in"),
    "page that says it is bytes": ((200, sized(PAGE), PAGE), r"it is text, .*Please log in"),
    "error": ((200, sized(b'{"error": 1}'), b'{"error": 1}'), r"12 bytes.*it is text, .*error"),
    "nothing": ((200, sized(b""), b""), "0 bytes.*it is empty"),
    "another type": ((200, sized(archive()), archive()), "it is a zip archive"),
    "packed": (
        (200, sized(gzip.compress(FILE), **{"Content-Encoding": "gzip"}), gzip.compress(FILE)),
        r"packed it \(gzip\)",
    ),
    "a part, unasked": (part(FILE, HALF), "status 206"),
    "no length": ((200, {"Content-Length": "many"}, FILE), "length that is none, 'many'"),
    "too short a length": ((200, sized(FILE[:-99]), FILE), f"{len(FILE) - 99} bytes, is no .mat"),
    "rubbish behind it": ((200, sized(FILE + PAGE), FILE + PAGE), r"can't be read as a MATLAB"),
}


@pytest.mark.parametrize("case", PAGES)
def test_what_is_another_thing_is_said_and_not_asked_for_again(fetched, case):
    reply, words = PAGES[case]
    assert re.search(words, fetched(reply))
    assert len(Server.asked) == 1


def test_a_redirect_to_a_page_is_said_with_its_address(fetched):
    page = (200, sized(PAGE, **{"Content-Type": "text/html"}), PAGE)
    moved = (302, {"Location": "/login", "Content-Length": 0}, b"")
    assert "/login gave a page in the place of the file (text/html)" in fetched(moved, page)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((200, {}, FILE[:HALF]), f"{HALF} bytes, is no .mat file that can be read"),
        (CUT, f"ended after {HALF} of {len(FILE)} bytes"),
        ((200, CHUNKS, chunked(FILE, cut=True)), "ended before the last piece"),
        ((200, CHUNKS, b"%x\r\n" % HALF + FILE[:HALF] + b"\r\n"), "ended before the last piece"),
    ],
    ids=["no length", "length", "in a chunk", "between chunks"],
)
def test_a_reply_that_is_cut_is_asked_for_again_and_never_kept(fetched, reply, words):
    assert words in fetched(reply) and len(Server.asked) == transfer.ATTEMPTS
    assert fetched(reply, WHOLE) == FILE


def test_a_whole_reply_in_chunks_is_kept(fetched):
    assert fetched((200, CHUNKS, chunked(FILE))) == FILE


@pytest.mark.parametrize(
    ("slowest", "words"), [((60, 1), "no answer in 0.1 s"), ((0, 1 << 20), "bytes came in")]
)
def test_a_server_that_stalls_is_left(fetched, monkeypatch, slowest, words):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.1)
    monkeypatch.setattr(transfer, "SLOWEST", slowest)
    assert words in fetched(CUT, pause=0.5)


# -- Without a published hash


def test_an_archive_is_tested_and_holds_what_is_needed(fetched):
    zipped = {"name": "mante2013", "file": "a.zip", "needs": SOURCES["mante2013"].needs}
    damaged = bytearray(archive())
    damaged[len(damaged) // 3] ^= 255
    half = archive(folders=("PFC data 1", "other"))
    for body, words in (
        (bytes(damaged), "doesn't fit its checksum"),
        (half, "lacks PFC data 2 and holds PFC data"),
        (archive()[:-50], "is no .zip file that can be read"),
    ):
        assert words in fetched((200, sized(body), body), **zipped)
    whole = archive()
    assert fetched((200, sized(whole), whole), **zipped) == whole


def test_the_arrays_that_a_recording_needs_are_there(fetched):
    refused = fetched(WHOLE, needs=SOURCES["hatsopoulos2007"].needs)
    assert "lacks spikes, stmv_cell and holds x" in refused
    assert fetched(WHOLE, needs=("x",)) == FILE


def test_another_file_than_at_first_use_is_said(fetched, tmp_path):
    assert fetched(WHOLE) == FILE
    place = tmp_path / "hatsopoulos2007" / "a.mat"
    first = json.loads(place.with_name("a.mat.json").read_text())["sha256"]
    place.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fetched(WHOLE) == FILE
    place.unlink()
    with pytest.warns(UserWarning, match=f"another file than before.*and not {first[:16]}"):
        assert fetched((200, sized(OTHER), OTHER)) == OTHER
