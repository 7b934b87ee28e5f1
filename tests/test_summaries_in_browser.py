"""Displays in a browser: readable in dark and light, on a narrow page, with what they say reachable."""

import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import astropy.units as u

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Where CI runs there is one (.ci/run).
pytestmark = pytest.mark.skipif(
    BROWSER is None and not os.environ.get("CI"), reason="there is no Chromium here, which looks at displays"
)

# What a reader would see: the contrast of each text with what is behind it, and whether the page has to be scrolled.
LOOK = """<script>
function rgb(text) { return text.match(/[0-9.]+/g).map(Number); }
function luminance(c) {
  const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
  for (; element; element = element.parentElement) {
    const c = rgb(getComputedStyle(element).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c;
  }
  return [255, 255, 255];
}
window.onload = function () {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const contrasts = [];
  document.querySelectorAll(".shc-summary *").forEach(function (one) {
    if (one.closest("svg") || !one.textContent.trim() || one.tagName === "STYLE") return;
    const [a, b] = [luminance(rgb(getComputedStyle(one).color)), luminance(behind(one))];
    contrasts.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  });
  const fields = [...document.querySelectorAll("svg polygon")].map((one) => getComputedStyle(one).stroke);
  const wide = document.documentElement.scrollWidth;
  const pictures = [...document.querySelectorAll("svg")].map((one) => one.getBoundingClientRect().width);
  const reachable = [...document.querySelectorAll("summary")].every((one) => one.tabIndex === 0);
  document.body.dataset.look = JSON.stringify(
    {contrast: Math.min(...contrasts), texts: contrasts.length, fields, wide, pictures, reachable});
};
</script>"""


@pytest.fixture(scope="module")
def displays():
    maps = {
        channel: [sunpy.map.Map(*SUN.frame(channel, SUN.time + i * u.min, shape=(20, 30))) for i in range(6)]
        for channel in (193, 171)
    }
    seqs = [LazyMapSequence(some) for some in maps.values()]
    cubes = [seq.to_cube().derotate_to(maps[171][2]).resample_time(1 * u.min) for seq in seqs]
    lags, _ = time_lag_pairs(cubes, at_bounds="keep")
    things = [seqs[0] + seqs[1], cubes[0], lags["193-171"], lags, cubes[0].estimate()]
    return "<hr>".join(one._repr_html_() for one in things)


def look(folder, page, width):
    (folder / "page.html").write_text(f"<!DOCTYPE html><meta charset='utf-8'>{page}{LOOK}")
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},800",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000", "--dump-dom",
            (folder / "page.html").as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    return json.loads(re.search(r'data-look="([^"]*)"', done.stdout)[1].replace("&quot;", '"'))


# A browser takes seconds to start.
@pytest.mark.parametrize(
    ("theme", "body"),
    [
        ('data-jp-theme-light="true"', "background: #fff; color: #111"),
        ('data-jp-theme-light="false"', "background: #111; color: #eee"),
        ('class="vscode-dark"', "background: #1e1e1e; color: #d4d4d4"),
    ],
    ids=["Jupyter light", "Jupyter dark", "VS Code dark"],
)
def test_displays_are_readable_in_dark_and_light_on_narrow_pages(displays, tmp_path, theme, body):
    seen = look(tmp_path, f'<body {theme} style="{body}; font-family: sans-serif">{displays}</body>', 500)
    assert seen["texts"] > 60
    assert seen["contrast"] > 4.5
    assert seen["wide"] <= 500
    assert seen["reachable"]
    assert all(width > 80 for width in seen["pictures"])
    bright = [np.mean(list(map(int, re.findall(r"\d+", color)[:3]))) for color in seen["fields"]]
    assert len(bright) >= 4
    assert (min(bright) > 120) == ("dark" in body or "#1" in body.split(";")[0])
