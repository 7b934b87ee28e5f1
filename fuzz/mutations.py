"""Damage to bytes and texts. All of it is drawn from a `numpy.random.Generator`, so that a seed tells everything."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["EXTREMES", "HOSTILE_TEXTS", "HOSTILE_URLS", "damaged", "json_damaged", "several", "text_damaged"]

type RNG = np.random.Generator

#: What stands where a number was.
EXTREMES = (
    *("-1", "0", "1", "-0.0", "T", "F", "nan", "-inf", "1e400", "1e-400", "1e308", "true", "null", "''", ""),
    *("255", "256", "-32768", "65535", "65536", "2147483647", "2147483648", "-2147483649", "4294967296"),
    *("1099511627776", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1" + 60 * "0"),
    *("0x10", "1_000", "١٢", "1,5", "1.5.2", "99999-01-01T00:00:00", "0000-00-00T00:00:00", "1D99"),
)

#: Texts that do something where they are shown, or are more than is wanted.
HOSTILE_TEXTS = (
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\x1b[2J\x1b]0;title\x07",
        "\x9b31m",
        "\x7f",
    ),
    *(
        "\u202egnp.exe",
        "a\nb",
        "a\r\nSet-Cookie: x",
        "\0",
        "\ud800",
        "\u2028",
        "é" * 500,
        "{}{0}%s%n",
        "$(id)",
    ),
    *("../../../etc/passwd", "/etc/passwd", "~root", "CON", ".", "..", "a" * 100_000, "{{7*7}}", "__class__"),
    *("'; DROP TABLE x; --", '"', "'", "\\", "\t", " ", "static", "*", "[", "%00", "%2e%2e%2f"),
)

#: Addresses that are not to be read.
HOSTILE_URLS = (
    *(
        "file:///etc/passwd",
        "/etc/passwd",
        "local:///etc/passwd",
        "reference://::file:///etc/passwd",
        "memory://x",
    ),
    *(
        "simplecache::file:///etc/passwd",
        "filecache::s3://b/k",
        "blockcache::http://127.0.0.1/",
        "zip://x::s3://b/k",
    ),
    *(
        "http://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1:1/x",
        "https://[::1]:1/x",
        "https://localhost/x",
    ),
    *(
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
    ),
    *(
        "ftp://a/b",
        "s3://",
        "s3:///key",
        "s3://b/../c",
        "s3://b/a/../../c",
        "s3://b/%2e%2e/c",
        "S3://B/K",
        "https://",
    ),
    *(
        "https://user:secret@host.example/",
        "https://host.example@127.0.0.1/",
        "https://host.example#@127.0.0.1/",
    ),
    *(
        "https://host.example\\@127.0.0.1/",
        "https://a\tb/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//host/x",
    ),
    *(
        "s3://bucket/a b+c%20d#e?f",
        "s3://bucket/ü/日本.fits",
        "s3://bucket/a?versionId=1",
        "s3://u:p@bucket/key",
    ),
    *(
        "https://ⓛocalhost/",
        "https://127。0。0。1/",
        "https://host.example:99999/",
        "https://host.example:-1/",
    ),
    *(
        "jar:file:///x!/y",
        "gs://b/k",
        "hdfs://h/p",
        "github://a:b@c/d",
        "git://x",
        "ssh://h/p",
        "smb://h/p",
        "dask://",
    ),
)


def several(rng: RNG, value: Any, ways: Sequence[Callable[[RNG, Any], Any]]) -> Any:
    """A value after one to four changes of these ways."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 3, 4]))):
        value = ways[rng.integers(len(ways))](rng, value)
    return value


def damaged(rng: RNG, data: bytes) -> bytes:
    """Bytes after damage of any kind."""
    return several(rng, data, BYTE_WAYS)


def text_damaged(rng: RNG, data: bytes) -> bytes:
    """Bytes of a text after damage of any kind."""
    return several(rng, data, (*BYTE_WAYS, _number, _number, _hostile_text, _lines_shuffled, _recoded))


def _place(rng: RNG, data: bytes) -> tuple[int, int]:
    """Begin and end of a part; short ones are as likely as long ones."""
    begin = int(rng.integers(len(data) + 1))
    return begin, min(len(data), begin + int(2 ** rng.uniform(0, np.log2(len(data) + 2))))


def _flip(rng: RNG, data: bytes) -> bytes:
    if not data:
        return data
    array = np.frombuffer(data, np.uint8).copy()
    where = rng.integers(len(array), size=int(rng.choice([1, 1, 2, 8, 64])))
    array[where] ^= np.left_shift(1, rng.integers(8, size=len(where))).astype(np.uint8)
    return array.tobytes()


def _overwrite(rng: RNG, data: bytes) -> bytes:
    begin, end = _place(rng, data)
    fill = rng.choice([b"\0", b"\xff", b" ", b"9", b"\x80"]) if rng.random() < 0.5 else None
    return (
        data[:begin] + (rng.bytes(end - begin) if fill is None else bytes(fill) * (end - begin)) + data[end:]
    )


def _cut(rng: RNG, data: bytes) -> bytes:
    return data[: rng.integers(len(data) + 1)]


def _remove(rng: RNG, data: bytes) -> bytes:
    begin, end = _place(rng, data)
    return data[:begin] + data[end:]


def _double(rng: RNG, data: bytes) -> bytes:
    begin, end = _place(rng, data)
    times = int(rng.choice([2, 2, 3, 50]))
    return (data[:begin] + data[begin:end] * times + data[end:])[:4_000_000]


def _splice(rng: RNG, data: bytes) -> bytes:
    begin, end = _place(rng, data)
    at = int(rng.integers(len(data) + 1))
    return data[:at] + data[begin:end] + data[at + (end - begin) * int(rng.integers(2)) :]


def _number(rng: RNG, data: bytes) -> bytes:
    """One number of a text becomes another, or no number."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data[:200_000]))
    if not found:
        return data
    number = found[rng.integers(len(found))]
    return data[: number.start()] + str(rng.choice(EXTREMES)).encode() + data[number.end() :]


def _hostile_text(rng: RNG, data: bytes) -> bytes:
    """A word of a text becomes one that does something."""
    words = list(re.finditer(rb"[^\s,\"'<>]+", data[:200_000]))
    if not words:
        return data
    word = words[rng.integers(len(words))]
    return data[: word.start()] + _hostile(rng).encode("utf-8", "surrogatepass") + data[word.end() :]


def _hostile(rng: RNG) -> str:
    choices = HOSTILE_URLS if rng.random() < 0.5 else HOSTILE_TEXTS
    return choices[rng.integers(len(choices))]


def _lines_shuffled(rng: RNG, data: bytes) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _recoded(rng: RNG, data: bytes) -> bytes:
    ways = [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.decode("latin-1").encode("utf-16"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: b"<!DOCTYPE html><html><body>Sign in</body></html>\n" + text,
        lambda text: b"",
    ]
    return ways[rng.integers(len(ways))](data)


BYTE_WAYS = (_flip, _flip, _overwrite, _cut, _remove, _double, _splice)

# Bytes from which on structures are not changed any more.
_LARGE = 5_000_000
# Stands in JSON for what `json.dumps` cannot make.
_DEEP = "\ue000deep"


def json_damaged(rng: RNG, data: bytes) -> bytes:
    """A JSON document with another structure, other types, other texts; sometimes also damaged as text."""
    try:
        content = json.loads(data) if len(data) < _LARGE else None
    except (ValueError, RecursionError):
        content = None
    if content is None:
        return text_damaged(rng, data)
    for _ in range(int(rng.choice([1, 1, 2, 5]))):
        content = _other_content(rng, content)
    text = json.dumps(content, ensure_ascii=bool(rng.integers(2)))
    depth = int(rng.choice([10, 1000, 100_000]))
    opening, closing = [("[", "]"), ('{"a":', "}")][rng.integers(2)]
    middle = '""' if opening != "[" else ""
    data = text.replace(json.dumps(_DEEP), opening * depth + middle + closing * depth)
    data = data.replace(json.dumps(_DEEP, ensure_ascii=False), opening * depth).encode(
        "utf-8", "surrogatepass"
    )
    data = text_damaged(rng, data) if rng.random() < 0.1 else data
    if rng.random() < 0.003:
        item = (b'{"id":"a"},', b'{"endpoint":"s3://b/"},', b"[],", b'"\\u0000",')[rng.integers(4)]
        data = data.replace(b"[", b"[" + item * (15_000_000 // len(item)), 1)
    return data


def _nodes(content: Any) -> list[tuple[Any, Any]]:
    """All places in a document, as container and key."""
    found, todo = [], [content]
    while todo and len(found) < 5000:
        container = todo.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(items):
            found.append((container, key))
            if isinstance(value, (dict, list)):
                todo.append(value)
    return found


def _other_content(rng: RNG, content: Any) -> Any:
    places = _nodes(content) if isinstance(content, (dict, list)) else []
    if not places or rng.random() < 0.02:
        return _other_value(rng, content)
    container, key = places[rng.integers(len(places))]
    match rng.integers(6):
        case 0:
            del container[key]
        case 1:
            other, name = places[rng.integers(len(places))]
            if isinstance(container[key], (dict, list)):
                return content  # It could come to hold itself.
            other[name], container[key] = container[key], None
        case 2 if isinstance(container, dict):
            container[_hostile(rng)] = container.pop(key)
        case 3 if isinstance(container, list):
            container.extend([container[key]] * int(rng.choice([1, 10, 1000])))
        case _:
            container[key] = _other_value(rng, container[key])
    return content


def _other_value(rng: RNG, value: Any) -> Any:
    if rng.random() < 0.6:
        return _hostile(rng)
    values = [
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**63,
        10**400,
        1.5,
        float("nan"),
        float("inf"),
        "",
        [],
        {},
        [[]],
    ]
    values += [
        [value],
        {"a": value},
        str(value),
        _DEEP,
        "9" * 5000,
        list("abc"),
        [None] * 1000,
        "1400",
        "parquet",
    ]
    return values[rng.integers(len(values))]
