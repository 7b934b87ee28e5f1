"""What objects say of themselves in terminals and notebooks: the same, true, harmless, and without reading anything."""

from html.parser import HTMLParser

import dask.array as da
import numpy as np
import pytest
from test_displays import BAD, LONG, assert_inert, hostile_map

import astropy.units as u

import sunpy.map

from helpers import no_compute, read_from
from sunpy_heliocloud import LazyMapSequence, TimeLagCube, aligned_cubes, net, time_lag_pairs
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket
from sunpy_heliocloud.summary import Summary, table_html

SUN = SimulatedSun(noise=False)


@pytest.fixture(scope="module")
def bucket():
    """Eight frames of two channels."""
    with LocalServer() as server:
        options = {"shape": (60, 80), "cadence": 10 * u.min, "storage_options": server.storage_options}
        server.frames = write_bucket(server.url, SUN, n_frames=8, **options)
        yield server


@pytest.fixture
def server(bucket, monkeypatch):
    read_from(bucket, monkeypatch)
    return bucket


@pytest.fixture
def seq(server):
    return LazyMapSequence(server.frames.urls(171))


@pytest.fixture
def part(seq):
    return seq[4].submap([20, 20] * u.pix, top_right=[50, 40] * u.pix)


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.open, self.texts = set(), set(), [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_data(self, text):
        if self.open and self.open[-1] != "style":
            self.texts.append(text)


ALLOWED = {
    "style",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "svg",
    "circle",
    "polygon",
    "details",
    "summary",
}
ATTRIBUTES = set(
    "class scope colspan viewbox role aria-label cx cy r fill fill-opacity stroke stroke-width points".split()
)


def page_of(one):
    page = Page(one._repr_html_())
    assert page.tags <= ALLOWED
    assert page.attributes <= ATTRIBUTES
    return page


def objects(seq, part, hot):
    """One of each kind, at each stage."""
    cube = seq.to_cube()
    derotated = cube.derotate_to(part)
    resampled = derotated.resample_time(10 * u.min)
    other = hot.to_cube().derotate_to(part).resample_time(10 * u.min)
    lag = other.time_lag(resampled, lag_bounds=[-20, 20] * u.min, at_bounds="keep")
    over_lag = other.cross_correlation(resampled)
    return {
        "sequence": seq, "channels": seq + hot, "part of a sequence": seq[2:4],
        "applied": seq.apply(hostile_function, pointwise=True), "cube": cube, "frame": cube[3], "row": cube[:, 5],
        "light curve": resampled[:, 3, 4], "derotated": derotated, "resampled": resampled, "plane": resampled[2],
        "difference": resampled.difference(), "ratio": other / resampled, "footprint": derotated.footprint,
        "binned": derotated.rebin((1, 3, 31)), "lag": lag, "correlation": other.max_cross_correlation(resampled),
        "uncertainty": other.lag_uncertainty(resampled, trials=9), "windows": other.time_lag(resampled, window=40 * u.min),
        "over lag": over_lag, "a pixel over lag": over_lag[:, 3, 4], "a plane over lag": over_lag[2],
        "pairs": time_lag_pairs([resampled, other])[0], "cubes": aligned_cubes(seq + hot, part, cadence=10 * u.min),
        "estimate": resampled.estimate(),
    }  # fmt: skip


def hostile_function(data, header):
    return data


hostile_function.__name__ = BAD


@pytest.mark.filterwarnings("ignore:The last")
def test_no_display_computes_or_requests_anything_and_text_and_html_say_the_same(server, seq, part):
    hot = LazyMapSequence(server.frames.urls(193))
    with no_compute():
        every = objects(seq, part, hot)
        server.reset()
        for name, one in every.items():
            text, page = repr(one), page_of(one)
            assert_inert(text, one._repr_html_())
            said = " ".join(page.texts)
            for line in str(one).strip("<>").splitlines():
                for word in line.replace("The first is a ", "").split():
                    assert word.strip("<>:,") in said, (name, line)
    assert server.requests == 0


def test_displays_are_true_at_every_stage(server, seq, part):
    cube = seq.to_cube()
    text = str(cube)
    assert "Chunks:  8 of (1, 60, 80), 19.2 kbyte each" in text
    estimate = cube.estimate()
    assert f"To read: 8 frames, 8 requests, {estimate.bytes.to(u.kbyte):.1f}" in text
    assert "Cadence: 10 min (median)" in text or "Cadence: 10 min\n" in text
    assert "Steps:   exposure: divided by the exposure time" in text
    resampled = cube.derotate_to(part).resample_time(10 * u.min)
    exact = resampled.estimate()
    assert f"To read: {exact.frames} frames, {exact.requests} requests, {exact.bytes.to(u.kbyte):.1f}" in str(
        resampled
    )
    assert "resampled: linear" in str(resampled)
    persisted = resampled.persist()
    assert "To read: no frames" in str(persisted)
    assert "To read" not in str(resampled.compute())
    assert "difference running, n=1" in str(resampled.difference())
    assert "To read: 1 frame, 1 request, " in str(cube[3])


def test_gaps_and_cadence_are_counted(server):
    urls = server.frames.urls(171)
    text = str(LazyMapSequence(urls[:3] + urls[5:6] + urls[7:]))
    times = LazyMapSequence(urls).times
    assert "Cadence: 15 min (median)" in text
    assert f"Gaps:    1, the longest of 30 min after {times[2].isot}" in text
    assert "Gaps:    none" in str(LazyMapSequence(urls).to_cube())


def test_the_field_of_view_is_that_of_the_pixels(seq, part):
    corners = part.bottom_left_coord, part.top_right_coord
    width, height = ((b - a).value + s.value for a, b, s in zip(
        (corners[0].Tx, corners[0].Ty), (corners[1].Tx, corners[1].Ty), part.scale, strict=True))  # fmt: skip
    text = str(seq.to_cube().derotate_to(part))
    assert f"View:    {width:.0f}″ × {height:.0f}″ around (" in text
    said = float(text.split("pixels of ")[1].split("″")[0])
    assert said == pytest.approx(part.scale[0].value, rel=5e-3)


def polygon(page):
    points = page.split('points="')[1].split('"')[0].split()
    return np.array([[float(value) for value in point.split(",")] for point in points])


@pytest.mark.parametrize(
    ("column", "row", "where"), [(60, 40, (1, -1)), (5, 5, (-1, 1))], ids=["north-west", "south-east"]
)
def test_the_picture_shows_where_on_the_disk(seq, column, row, where):
    some = seq[4].submap([column, row] * u.pix, top_right=[column + 9, row + 9] * u.pix)
    html = TimeLagCube.from_array(np.zeros((1, *some.data.shape)), some, [some.date])._repr_html_()
    middle = polygon(html).mean(axis=0) - 50
    assert tuple(np.sign(middle)) == where
    assert 'aria-label="Field of view on the Sun: ' in html


def test_maps_of_other_coordinates_have_no_picture_and_say_where(seq):
    header = sunpy.map.make_fitswcs_header(
        (10, 20), seq[0].reference_coordinate.transform_to("heliographic_stonyhurst"), scale=[1, 1] * u.deg / u.pix,
        projection_code="CAR",
    )  # fmt: skip
    m = sunpy.map.Map(np.zeros((10, 20)), header)
    cube = TimeLagCube.from_array(np.zeros((1, 10, 20)), m, [m.date])
    assert "<svg" not in cube._repr_html_()
    assert "View:    20° × 10° around (" in str(cube)


def test_lost_and_left_out_frames_are_said(server):
    urls = [*server.frames.urls(171)[:3], server.url + "nowhere.fits"]
    with pytest.warns(UserWarning, match="left out"):
        seq = LazyMapSequence(urls, errors="mask")
    assert "Dropped: 1 frame left out, see .status" in str(seq)
    assert "Lost" not in str(seq)


def test_a_lost_frame_is_said_by_cube_and_sequence(server, seq):
    from sunpy_heliocloud.lazy.reports import Report, report

    cube = seq.to_cube()
    report(Report(1, lost=[(seq.urls[2], "all", "no pixels")]))
    for one in (seq, cube, cube * 2):
        assert "Lost:    1 of 8 frames could not be read and are NaN" in str(one)
    assert "Lost" not in str(cube[3:])
    assert "Lost" not in str(LazyMapSequence(seq.urls))


def test_text_of_headers_is_harmless_in_html():
    seq = LazyMapSequence([hostile_map(i) for i in range(2)])
    cube = seq.to_cube()
    for one in (seq, cube, cube[0], cube.estimate()):
        assert "&lt;" not in one._repr_html_()
        assert_inert(one._repr_html_(), str(one))
        page_of(one)
    summary = Summary(BAD, [(BAD, LONG), ("a", "&\"'<b>")], members=[(BAD, Summary(LONG))])
    page = Page(summary.html())
    assert page.tags <= ALLOWED
    assert_inert(summary.html(), str(summary))
    assert "&amp;&quot;&#x27;\\x3cb&gt;" in summary.html()


def test_a_table_of_data_sets_has_a_display_of_its_own(server):
    found = net.datasets()
    page = page_of(found)
    assert {"id", "title", "aia_0171", "aia_0193"} <= set(page.texts)
    assert page.texts[0].startswith("2 data sets in ")
    assert page_of(found[:1]).texts[0].startswith("1 data set in ")
    page_of(found["id", "title"])
    assert "and 3 more" in table_html("t", ["a"], [("x",)] * 103)
    assert_inert(table_html(BAD, [BAD], [(LONG,)]))


def test_collections_open_to_their_members(server, seq, part):
    cubes = aligned_cubes(server.frames.urls(171) + server.frames.urls(193), part, cadence=10 * u.min)
    page = page_of(cubes)
    assert "details" in page.tags
    assert "CubeCollection of 2 cubes, lazy: 171, 193" in repr(cubes)
    assert any(text.startswith("193: TimeLagCube of shape") for text in page.texts)


def test_colours_follow_the_page_and_its_theme(seq):
    html = seq._repr_html_()
    style = html.split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme: dark" in style
    for theme in (
        'data-jp-theme-light="false"',
        'data-jp-theme-light="true"',
        ".vscode-dark",
        'data-theme="dark"',
    ):
        assert theme in style
    assert "color: inherit" in style
    assert not [line for line in style.splitlines() if "background: #" in line or " color: #" in line]


def test_an_estimate_of_nothing_says_so_in_html(part):
    cube = TimeLagCube.from_array(np.zeros((2, *part.data.shape)), part, part.date + [0, 1] * u.min)
    assert "nothing to read or to compute" in cube.estimate()._repr_html_()
    lazy = TimeLagCube.from_array(da.zeros((2, *part.data.shape)), part, part.date + [0, 1] * u.min)
    assert "To read: no frames" in str(lazy)
