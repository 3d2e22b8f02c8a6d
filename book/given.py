"""What `-p name=value` says: read as the kind that the parameter's default is of, or refused in
words.
"""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path

WHOLE, REAL = r"[+-]?(0|[1-9]\d{0,14})", r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
REAL_NUMBERS = {"penalties", "lengths", "scales", "rates", "shares"}
ABOVE_ZERO = {"scales", "rates", "shares"}
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
CHOICES = {
    "device": (r"cpu|mps|cuda(:\d{1,3})?", "cpu, mps, cuda or cuda:0"),
    "optimisers": ("adam|sgd|lbfgs", "adam, sgd or lbfgs"),
}
LONGEST = 4000  # characters


def value(key: str, text: str, default):
    """The value of a parameter. ValueError: what was found and what is allowed.

    >>> value("seeds", "3,4", [0])
    [3, 4]
    >>> value("steps", "1,000", 1000)
    Traceback (most recent call last):
    ValueError: parameter 'steps': found '1,000'; allowed: a whole number from 1 on, such as 1000
    """
    read, words, example = _reader(key, default)
    try:
        if len(text) > LONGEST or not text.isprintable():
            raise ValueError
        return read(text.strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        said = f"found {shown(text)}; allowed: {words}, such as {example}"
        raise ValueError(f"parameter {key!r}: {said}") from None


def shown(text: str) -> str:
    """A text in quotes, of a long one its beginning."""
    return repr(text) if len(text) <= 60 else f"{text[:60]!r} and {len(text) - 60} more characters"


def _reader(key: str, default) -> tuple[Callable, str, str]:
    """How a parameter with this default is read, what it may be, in words, and an example."""
    if isinstance(default, list):
        read, words, _ = _reader(key, default[0])
        none = key == "recordings"
        words = f"a list with commas, nothing twice{', [] for none' * none}, each {words}"
        return lambda text: _list(text, read, none), words, ",".join(map(str, default[:3]))
    if isinstance(default, dict):
        return _lists_by_name, "lists of names by names", str(default)
    if isinstance(default, bool):
        return lambda text: _known(WORDS, text.lower()), "true or false", "true"
    if key in CHOICES:
        pattern, words = CHOICES[key]
        return lambda text: _matched(pattern, text), words, default
    if isinstance(default, str) or default is None:
        return _name, "a name", str(default)
    if key == "jobs":
        return _jobs, "a whole number from 1 on, or the address or file of a scheduler", "4"
    if key in REAL_NUMBERS:
        least = "above 0" if key in ABOVE_ZERO else "from 0 on"
        return lambda text: _real(text, key in ABOVE_ZERO), f"a number {least}", str(default)
    least = 0 if key == "seeds" else 1
    return lambda text: _whole(text, least), f"a whole number from {least} on", str(default)


def _list(text: str, read: Callable, may_be_empty: bool) -> list:
    """Items between commas, in brackets or without."""
    inside = text[1:-1].strip() if text[:1] + text[-1:] in ("[]", "()") else text
    if may_be_empty and inside == "" != text:
        return []
    items = [read(one.strip()) for one in inside.split(",")]
    if len(items) > len(set(items)):
        raise ValueError
    return items


def _lists_by_name(text: str) -> dict:
    found = ast.literal_eval(text)
    if not isinstance(found, dict) or not all(isinstance(one, list) for one in found.values()):
        raise ValueError
    return {_name(name): [_name(one) for one in names] for name, names in found.items()}


def _name(text: str) -> str:
    """A name, in quotes or without."""
    quoted = re.fullmatch(r"(['\"])(.*)\1", text)
    name = quoted[2] if quoted else text
    if not name or name[0] in "[{('\"" or name != name.strip():
        raise ValueError
    return name


def _matched(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError
    return text


def _known(words: dict, text: str):
    if text not in words:
        raise ValueError
    return words[text]


def _whole(text: str, least: int) -> int:
    number = int(_matched(WHOLE, text))
    if number < least:
        raise ValueError
    return number


def _real(text: str, above_zero: bool) -> float:
    number = float(_matched(REAL, text))
    if not math.isfinite(number) or number < 0 or (above_zero and not number):
        raise ValueError
    return int(text) if re.fullmatch(WHOLE, text, re.ASCII) else number


def _jobs(text: str) -> int | str:
    if "://" in text or Path(text).is_file():
        return _name(text)
    return _whole(text, 1)
