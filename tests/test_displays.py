"""Inert displays: what catalogues, headers and servers say is shown without control characters and tags, and shortened."""

import copy
import io
import json
import pickle
import unicodedata
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import astropy.units as u
from astropy.table import Table
from astropy.time import Time

import sunpy.map
from sunpy.net import Fido
from sunpy.net import attrs as a

from buckets import entry
from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.lazy.losses import LostFrameWarning, warn_of_losses
from sunpy_heliocloud.net import HelioCloudClient
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.response import response
from sunpy_heliocloud.net.rows import Rows
from sunpy_heliocloud.simulation import SimulatedSun
from sunpy_heliocloud.text import inert, shown_url

SUN = SimulatedSun(noise=False)
BAD = '<img src=x onerror="alert(1)">\x1b[2J\x9b31m\r\n\u202e$\\frac$'
LONG = BAD + "x" * 100_000
SIGNED = "https://user:password@example.org/a.fits?X-Amz-Signature=secret&token=secret"


def assert_inert(*shown):
    for text in shown:
        assert "<img" not in text
        assert "<script" not in text
        assert not set(text) & set("\x1b\x9b\r\u202e\u2028\x00")
        assert len(text) < 50_000
        assert "secret" not in text
        assert "password" not in text


# ---- text


@given(st.text(st.characters(), max_size=400))
@example("\ud800")
@example("<b>")
def test_any_text_becomes_one_line_of_printable_characters(text):
    for shown in (inert(text), shown_url(text)):
        assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert "<" not in shown
        assert len(shown) < 3500


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (SIGNED, "https://example.org/a.fits?…"),
        ("HTTP://h/a?b", "HTTP://h/a?…"),
        ("https://h/a@b", "https://h/a@b"),
        ("s3://b/what?.fits", "s3://b/what?.fits"),
        ("no https://h/a?sig=1, and https://i/b", "no https://h/a?…, and https://i/b"),
        (f"Could not open {SIGNED}: OSError", "Could not open https://example.org/a.fits?…: OSError"),
        ("/home/me/a b.fits", "/home/me/a b.fits"),
    ],
)
def test_queries_and_user_info_of_urls_are_not_shown(url, shown):
    assert shown_url(url) == shown


# ---- tables


@pytest.fixture
def table():
    times = np.array(["2020", "2021"], "datetime64[us]")
    rows = Rows(
        times, times, [SIGNED, "https://example.org/b.fits"], np.array([1.0, 2.0]),
        {BAD: np.array([LONG, "plain"]), f"{BAD}{LONG}": np.array(["a", "b"]), "note": np.array([BAD, SIGNED])},
    )  # fmt: skip
    made = response([(Entry(BAD, "s3://b/", "s3://b/", metadata={"title": BAD}), rows)])
    made.client = HelioCloudClient()
    return made


def shown(table):
    """All that terminals and notebooks make of a table."""
    yield from (str(table), repr(table), table._repr_html_())
    yield "\n".join([*table.pformat(), *table.pformat(html=True), *table.pformat(max_lines=-1, max_width=-1)])
    yield from (str(table[0]), repr(table[0]), table[0]._repr_html_())
    out = io.StringIO()
    table.info(out=out)
    yield out.getvalue()
    for name in table.colnames:
        column = table[name]
        yield from (str(column), repr(column))
        if hasattr(column, "_repr_html_"):
            yield column._repr_html_()


def test_tables_of_a_search_are_inert_in_terminals_and_notebooks(table, capsys):
    assert_inert(*shown(table), *shown(table[:1]), *shown(copy.copy(table)))
    table.pprint()
    table.pprint_all()
    table.show().pprint_all()
    assert_inert(
        capsys.readouterr().out, str(table.show()), table.show()._repr_html_(), str(table.show("note"))
    )
    assert_inert(str(Fido_response(table)), repr(Fido_response(table)), Fido_response(table)._repr_html_())


def Fido_response(*tables):
    from sunpy.net.fido_factory import UnifiedResponse

    return UnifiedResponse(*tables)


def test_values_of_tables_stay_as_they_are(table, tmp_path):
    assert table["note"].tolist() == [BAD, SIGNED]
    assert table["URL"][0] == SIGNED
    assert sum(name.startswith("\\x3cimg") for name in table.colnames) == 2
    table.meta = {}
    table.keep_columns(["URL", "note"])
    for format in ("ascii.csv", "ascii.ecsv"):
        table.write(tmp_path / "a", format=format, overwrite=True)
        assert SIGNED in (tmp_path / "a").read_text()
        assert "onerror" in (tmp_path / "a").read_text()
    plain = InertTable({"a": [BAD]})
    assert pickle.loads(pickle.dumps(plain))["a"][0] == BAD
    assert_inert(str(pickle.loads(pickle.dumps(plain))))
    assert Table(plain)["a"][0] == BAD


# ---- errors in Jupyter


@pytest.mark.parametrize("how", ["id", "query", "index", "json", "status", "registry"])
def test_errors_of_a_search_are_inert_in_jupyter(server, how):
    bad = LONG
    name = bad if how == "id" else "x"
    entries = [entry(name, bad if how == "index" else f"{server.url}registries/")]
    server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": server.url}]}).encode())
    server.write("catalog.json", json.dumps({"catalog": entries, "status": {"code": 1200}}).encode())
    server.write(f"registries/{'x'}_2015.csv", b"start,stop,datakey,filesize\n" + bad.encode() + b",,,\n")
    asked = "x"
    if how == "json":
        server.write("catalog.json", f'{{"{bad}": [}}'.encode())
    elif how == "status":
        server.write("catalog.json", json.dumps({"catalog": bad, "status": {"code": bad}}).encode())
    elif how == "registry":
        server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": bad}]}).encode())
    elif how in ("query", "id"):
        asked = "<img src=x>"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Fido.search(a.Time("2015-02-01", "2015-02-02"), a.heliocloud.Dataset(asked))
    assert found.errors
    assert_inert(str(found), repr(found), found._repr_html_(), str(found.errors), repr(found.errors))


# ---- sequences, cubes and maps of lags


def hostile_map(i=0, wavelength=171, telescope=LONG):
    counts, header = SUN.frame(171, SUN.time + 4 * i * u.min, shape=(20, 30))
    header = {key: header[key] for key in header if key not in ("", "COMMENT", "HISTORY", "BLANK")}
    header |= {
        "TELESCOP": telescope,
        "INSTRUME": BAD,
        "WAVELNTH": wavelength,
        "OBJECT": LONG,
        "OBSRVTRY": telescope,
    }
    return sunpy.map.Map(counts.astype("f4"), header)


@pytest.fixture(scope="module")
def cubes():
    rng = np.random.default_rng(0)
    m = hostile_map()
    times = Time("2020-01-01") + np.arange(12) * u.min
    walk = np.cumsum(rng.normal(size=(14, *m.data.shape)), axis=0)
    return [
        TimeLagCube.from_array(
            walk[i : i + 12], m, times,
            meta={"wavelength": wavelength * u.AA, "observatory": LONG, "instrument": BAD},
        )
        for i, wavelength in ((2, 193), (0, 171))
    ]  # fmt: skip


def test_sequences_are_inert():
    seq = LazyMapSequence([hostile_map(i) for i in range(2)])
    assert_inert(str(seq), repr(seq), *shown(seq.table), *shown(seq.status))
    assert seq.table["OBJECT"][0] == LONG
    cube = seq.to_cube()
    assert_inert(str(cube), repr(cube), *shown(cube.frames))
    assert cube.observatory == LONG


def test_errors_about_channels_are_inert():
    seq = LazyMapSequence([hostile_map(0), hostile_map(1, telescope=f"{BAD}other")])
    with pytest.raises(ValueError, match="one channel") as caught:
        seq.to_cube()
    assert_inert(str(caught.value), str(seq), repr(seq), *map(repr, seq.split()))


def test_lags_are_inert(cubes):
    first, second = cubes
    lag = first.time_lag(second, lag_bounds=[-3, 3] * u.min)
    for one in (lag, lag.compute(), first.max_cross_correlation(second)):
        assert_inert(str(one), repr(one), one.title, one.label, lag.to_map().nickname)
    lags, correlations = time_lag_pairs(cubes, lag_bounds=[-3, 3] * u.min)
    assert_inert(str(lags), repr(lags), str(correlations), repr(correlations))
    other = type(lag)(lag.data, wcs=lag.wcs, unit=lag.unit, meta=dict(lag.meta, quantity=LONG))
    assert_inert(str(other), other.label, other.to_map().nickname)


def test_a_dollar_in_a_header_does_not_break_a_plot(cubes):
    first, second = cubes
    second = copy.copy(second)
    second.meta = dict(second.meta, observatory="$\\frac")
    lag = first.time_lag(second, lag_bounds=[-3, 3] * u.min)
    lags, _ = time_lag_pairs([first, second], lag_bounds=[-3, 3] * u.min)
    for draw in (lag.plot, lag.plot_histogram, lags.plot, lags.plot_histograms):
        plt.figure()
        draw()
        plt.gcf().canvas.draw()
        titles = [axes.get_title() for axes in plt.gcf().axes]
        assert any("$\\frac" in title for title in titles)
        plt.close("all")


def test_warnings_of_lost_frames_are_inert():
    for urls in ([SIGNED], [f"{SIGNED}a", f"{SIGNED}b"]):
        with pytest.warns(LostFrameWarning) as caught:
            warn_of_losses({url: f"{url} cannot be read: {LONG}" for url in urls}, (__file__, 1))
        assert_inert(*(str(one.message) for one in caught))
