"""One file from a server: whole, and the same one where it goes on after it was cut short."""

import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pooch
from tqdm import tqdm

ATTEMPTS, PART, TIMEOUT = 4, 1 << 20, 30  # attempts a file, bytes a read, s without an answer
SLOWEST = (60, 1 << 16)  # in so many s come at least so many bytes
ANEW = (412, 416)  # what a server says of a range that it doesn't have


class NotTheFile(OSError):
    """A reply that is another thing than the file, and will be so when asked again."""


class _Changed(OSError):
    """A part that doesn't belong to what is here."""


def transfer(
    url: str,
    output_file: str | os.PathLike,
    keeper: pooch.Pooch,
    check: Callable[[Path], None] = lambda path: None,
) -> None:
    """Download to `output_file` through a partial file: a downloader for pooch.

    The next attempt goes on where one was cut short, if the server still names the same file by its
    ETag or date; else it starts anew. `check` raises ValueError for a content that is not the
    file's. Raises OSError, and keeps nothing, for a page in the place of the file, or when no
    attempt reached the end.
    """
    partial = Path(keeper.path) / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.part"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            of_known_length = _append(url, partial)
            try:
                check(partial)
            except ValueError as error:
                _forget(partial)
                raise (NotTheFile if of_known_length else OSError)(str(error)) from error
            os.replace(partial, output_file)
            return _forget(partial)
        except urllib.error.HTTPError as error:
            if error.code in ANEW:
                _forget(partial)
            if attempt == ATTEMPTS or (error.code < 500 and error.code not in ANEW):
                raise
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, NotTheFile | _Changed):
                _forget(partial)
            if attempt == ATTEMPTS or isinstance(error, NotTheFile):
                raise OSError(_said(error)) from error


def _said(error: Exception) -> str:
    """What went wrong, in words."""
    if isinstance(error, TimeoutError):
        return f"no answer in {TIMEOUT} s"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before the last piece of the reply"
    odd = isinstance(error, http.client.HTTPException) and not isinstance(error, OSError)
    return f"a reply that is no HTTP, {str(error)[:60]!r}" if odd else str(error)[:500]


def _notes(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _forget(partial: Path) -> None:
    for path in (partial, _notes(partial)):
        path.unlink(missing_ok=True)


def _append(url: str, partial: Path) -> bool:
    """Fetch what the partial file lacks; whether the server said how much there is.

    Raises OSError when the connection ends early, or next to nothing comes.
    """
    known = _known(partial)
    have = partial.stat().st_size if known else 0
    asked = {"Range": f"bytes={have}-", "If-Range": known["mark"]} if have else {}
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=asked), timeout=TIMEOUT
    ) as answer:
        have, total = _first_and_total(answer, have, known)
        if not have:
            _forget(partial)
            partial.parent.mkdir(parents=True, exist_ok=True)
            mark = _mark(answer.headers)
            if mark:
                _notes(partial).write_text(json.dumps({"mark": mark, "total": total}))
        options = {"unit": "B", "unit_scale": True, "desc": partial.parent.name}
        with (
            partial.open("ab" if have else "wb") as file,
            tqdm(total=total, initial=have, **options) as bar,
        ):
            since, come = time.monotonic(), 0
            while piece := answer.read1(PART):
                file.write(piece)
                bar.update(len(piece))
                come += len(piece)
                waited = time.monotonic() - since
                if waited > SLOWEST[0]:
                    if come < SLOWEST[1]:
                        raise OSError(f"only {come} bytes came in {waited:.0f} s")
                    since, come = time.monotonic(), 0
    size = partial.stat().st_size
    if total is not None and size != total:
        raise OSError(f"the connection ended after {size} of {total} bytes")
    return total is not None


def _known(partial: Path) -> dict:
    """What marks the file that a partial one is of; nothing where that isn't known."""
    try:
        known = json.loads(_notes(partial).read_text())
        return known if partial.is_file() and isinstance(known["mark"], str) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _mark(headers: http.client.HTTPMessage) -> str:
    """What tells a version of a file from others: a strong ETag, else its date, else nothing."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _first_and_total(
    answer: http.client.HTTPResponse, have: int, known: dict
) -> tuple[int, int | None]:
    """At which byte of the file a reply begins, and how many the file has.

    Raises OSError for a reply that is a page, is packed, or does not go on where the partial file
    ends.
    """
    kind, packed = (answer.headers.get(f"Content-{name}", "") for name in ("Type", "Encoding"))
    if kind.startswith("text/html"):
        page = answer.read1(60).decode(errors="replace")
        raise NotTheFile(
            f"{answer.url} gave a page in the place of the file ({kind}), as of a login or an "
            f"error: {page!r}"
        )
    if packed not in ("", "identity"):
        raise NotTheFile(f"{answer.url} packed it ({packed[:60]}), unasked")
    length = answer.headers.get("Content-Length")
    if length is not None and not length.strip().isdecimal():
        raise NotTheFile(f"{answer.url} says a length that is none, {length[:60]!r}")
    if answer.status == 200:
        return 0, None if length is None else int(length)
    told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", ""))
    first, last, total = map(int, told.groups()) if told else (-1, -1, 0)
    mark = _mark(answer.headers) or known.get("mark")
    if answer.status != 206 or not have:
        raise NotTheFile(f"{answer.url} answers with status {answer.status}")
    if (first, last, mark) != (have, total - 1, known["mark"]) or known["total"] not in (
        None,
        total,
    ):
        raise _Changed(f"{answer.url} does not go on where {have} bytes of the file end")
    if length is not None and int(length) != total - have:
        raise _Changed(f"{answer.url} gives {length} bytes where {total - have} are lacking")
    return have, total
