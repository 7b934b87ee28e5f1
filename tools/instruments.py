"""
What sequences and sunpy's Map say of the same headers and images, as a table: ``python tools/instruments.py``.

The headers and images are those of `sunpy.data.test`, but for JPEG 2000, which is no FITS and which sunpy reads with
another package only, and of ``tests/data/headers``. It writes
``docs/topics/instruments.csv``; ``tests/test_instruments.py`` compares it with what comes out.
"""

import csv
import logging
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import astropy.units as u
from astropy.io import fits

import sunpy.map
from sunpy.data.test import rootdir

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.stacking import stacked

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "topics" / "instruments.csv"
COLUMNS = ("file", "Map class", "channel", "time", "exposure time in s", "unit", "differences", "comment")

SIZE = 16  # pixels of the images that are made for headers
STRUCTURE = re.compile(
    r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|TFIELDS|THEAP|(TTYPE|TFORM|ZNAXIS|ZTILE|ZNAME|ZVAL)\d+"
    r"|Z[A-Z]+|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM|END|KEYCOMMENTS) *(=|$)"
)
# Why sequences differ from sunpy's Map, or refuse a file; by a pattern of its name.
COMMENTS = {
    r"^adapt|SJI|stokes": "a cube of images: sunpy takes the first of them, a sequence takes images only",
    r"demregpy|^heliocloud|^jp2_lev1.5": "AIA without BUNIT is in DN",
}


def cards_of(path: Path) -> list[str]:
    """The cards of an image's header, from a text of them, or of all HDUs, or of the XML of a JPEG 2000 file."""
    text = path.read_text(errors="replace")
    if text.startswith("<meta>"):
        pairs = re.findall(r"<([A-Z0-9_-]+)>([^<\n]*)</\1>", text)
        return [str(fits.Card(key, _typed(value))) for key, value in pairs if len(key) <= 8]
    blocks = re.split(r"^#####.*\n", text, flags=re.M)
    block = next((block for block in reversed(blocks) if "CTYPE1" in block), text)
    return [line[:80].ljust(80) for line in block.splitlines()]


def _typed(value: str) -> int | float | str:
    for kind in (int, float):
        if re.fullmatch(r"[-+.\deE]+", value):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


def fits_file(cards: list[str], folder: Path, name: str) -> Path:
    """A file with these cards, of a small image without structure."""
    axes = {2: SIZE, 1: SIZE}
    for card in cards:
        if found := re.match(r"NAXIS([3-9]) *= *(\d+)", card):
            axes[int(found[1])] = min(int(found[2]), 2)
    structure = {"SIMPLE": True, "BITPIX": 16, "NAXIS": len(axes)}
    structure |= {f"NAXIS{axis}": axes[axis] for axis in sorted(axes)}
    head = [str(fits.Card(key, value)) for key, value in structure.items()]
    head += [card for card in cards if not STRUCTURE.match(card)]
    text = "".join([*head, "END".ljust(80)])
    text += " " * (-len(text) % 2880)
    path = folder / f"{name}.fits"
    pixels = 2 * int(np.prod(list(axes.values())))
    path.write_bytes(text.encode("ascii", errors="replace") + b"\0" * (pixels + -pixels % 2880))
    return path


def inputs(folder: Path) -> Iterator[tuple[str, str | Path]]:
    """The names and files of all headers and images."""
    own = sorted((ROOT / "tests" / "data" / "headers").glob("*.txt"))
    headers = sorted([*rootdir.glob("*.header"), *rootdir.glob("EIT_header/*.header")])
    for number, path in enumerate([*headers, *own]):
        yield path.name, fits_file(cards_of(path), folder, str(number))
    for pattern in ("*.fits", "*.fits.gz", "EIT/*.fits", "SWAP/*.fits", "*.asdf"):
        for path in sorted(rootdir.glob(pattern)):
            yield path.name, path


def expected_time(m: sunpy.map.GenericMap):
    """The rule, with what sunpy's Map has."""
    if isinstance(
        m, (sunpy.map.sources.AIAMap, sunpy.map.sources.HMIMap, sunpy.map.sources.SUITMap)
    ) and m.meta.get("t_obs"):
        return m.reference_date
    if m.date_average is not None:
        return m.date_average
    half = 0 * u.s if m.exposure_time is None else m.exposure_time / 2
    return (m.date if m.date_start is None else m.date_start) + half


def differences(sequence: LazyMapSequence, m: sunpy.map.GenericMap) -> list[str]:
    """What of a sequence of one frame is not as sunpy's Map has it."""
    channel = sequence._frames.channels[0]
    found = []
    for name in ("observatory", "instrument", "detector", "measurement"):
        theirs = getattr(m, name)
        if isinstance(theirs, u.Quantity):
            theirs = (
                f"{'-'.join(f'{value:.10g}' for value in np.atleast_1d(theirs.value))} {theirs.unit}".strip()
            )
        if getattr(channel, name) != str("" if theirs is None else theirs):
            found.append(f"{name}: {getattr(channel, name)!r}, Map {theirs!r}")
    if abs((sequence.times[0] - expected_time(m)).to_value(u.s)) > 1e-3:
        found.append(f"time: Map {expected_time(m).utc.isot}")
    exposure = np.nan if m.exposure_time is None else m.exposure_time.to_value(u.s)
    if not np.isclose(sequence.exposure_time[0].value, exposure, equal_nan=True):
        found.append(f"exposure time: Map {exposure:g}")
    if channel.unit != m.unit:
        found.append(f"unit: Map {m.unit}")
    ours, theirs = sequence[0].wcs, m.wcs
    plane = stacked(sequence._frames, normalize=False).wcs.low_level_wcs.plane(0).to_wcs()
    for wcs in (ours, plane):
        same = np.allclose(
            wcs.pixel_to_world_values([0, 5, 9], [3, 0, 7]),
            theirs.pixel_to_world_values([0, 5, 9], [3, 0, 7]),
            rtol=1e-12,
            atol=1e-12,
            equal_nan=True,
        )
        same &= wcs.wcs.dateavg == theirs.wcs.dateavg and list(wcs.wcs.ctype) == list(theirs.wcs.ctype)
        for key in ("rsun_ref", "dsun_obs", "hgln_obs", "hglt_obs", "crln_obs"):
            values = [getattr(each.wcs.aux, key) for each in (wcs, theirs)]
            same &= values[0] == values[1] or np.isclose(
                *[np.nan if v is None else v for v in values], rtol=1e-12
            )
        if not same:
            found.append("coordinates")
            break
    return found


def row(name: str, path: str | Path) -> dict[str, str] | None:
    """A line of the table; `None` for a file of which sunpy makes no Map either."""
    try:
        maps = sunpy.map.Map(path)
    except Exception:  # noqa: BLE001  it raises anything
        maps = None
    single = maps[0] if isinstance(maps, list) else maps
    line = dict.fromkeys(COLUMNS, "") | {"file": name}
    line["comment"] = next((said for pattern, said in COMMENTS.items() if re.search(pattern, name)), "")
    line["Map class"] = "none" if single is None else type(single).__name__
    is_file = str(path).endswith((".fits", ".fits.gz"))
    if not is_file and single is None:
        return None
    try:
        sequence = LazyMapSequence([str(path)] if is_file else [single])
        line |= {
            "channel": sequence.name,
            "time": sequence.times[0].isot,
            "exposure time in s": f"{sequence.exposure_time[0].value:g}",
            "unit": str(sequence._frames.channels[0].unit or sequence._frames.channels[0].bunit or "none"),
        }
        found = differences(sequence, single) if single is not None else ["sunpy makes no Map"]
    except (OSError, TypeError, ValueError) as error:
        if single is None:
            return None
        reason = re.sub(r"^.*?(cannot be used|has|open) *[^:]*: ", "", str(error))
        found = [f"refused: {reason.split(', but')[0]}"]
    return line | {"differences": "; ".join(found)}


def rows() -> list[dict[str, str]]:
    """The table."""
    logging.getLogger("sunpy").setLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lines = [row(name, path) for name, path in inputs(Path(folder))]
    return [line for line in lines if line is not None]


if __name__ == "__main__":
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows())
    open_questions = [
        line for line in csv.DictReader(TABLE.open()) if line["differences"] and not line["comment"]
    ]
    for line in open_questions:
        print(f"{line['file']}: {line['differences']}")
    sys.exit(bool(open_questions))
