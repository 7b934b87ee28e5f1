"""
Look at pages of the built documentation in headless Chromium, dark and light, wide and narrow.

``python tools/look_at_pages.py docs/_build/html FOLDER`` saves a picture of each, and prints the worst contrast of texts
(4.5 and more is readable for all), how wide the page is, and whether all links can be reached by keyboard.
"""

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PAGES = (
    "index.html",
    "generated/tutorial/from_search_to_lag_map.html",
    "generated/gallery/index.html",
    "generated/gallery/where_plasma_cools.html",
    "topics/notebook.html",
    "reference.html",
)
LOOK = """<script>
document.documentElement.dataset.mode = document.documentElement.dataset.theme = "%s";
window.addEventListener("load", function () {
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  function luminance(c) {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function behind(one) {
    for (; one; one = one.parentElement) {
      const c = rgb(getComputedStyle(one).backgroundColor);
      if (c.length === 3 || c[3] > 0.9) return c.slice(0, 3);
    }
    return [255, 255, 255];
  }
  const seen = [];
  document.querySelectorAll(".bd-article *").forEach(function (one) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || one.closest("svg, math, script, style, .headerlink") || !one.getClientRects().length) return;
    const [a, b] = [luminance(rgb(getComputedStyle(one).color).slice(0, 3)), luminance(behind(one))];
    seen.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.className + " " + one.textContent.slice(0, 30)]);
  });
  seen.sort((a, b) => a[0] - b[0]);
  const links = [...document.querySelectorAll(".bd-article a[href]")];
  parent.postMessage(JSON.stringify({
    worst: seen.slice(0, 3), wide: document.documentElement.scrollWidth,
    reachable: links.every((one) => one.tabIndex === 0)}), "*");
});
</script>"""


# Windows of Chromium are at least 500 pixels wide, frames are not.
FRAME = """<body style="margin: 0"><script>
window.addEventListener("message", (event) => { document.body.dataset.look = event.data; });
</script><iframe style="border: 0; width: %dpx; height: 1500px" src="%s"></iframe></body>"""


def look(browser: str, page: Path, mode: str, width: int, picture: Path) -> dict:
    """What is seen of a page."""
    copy, frame = page.with_name(f".look-{page.name}"), page.with_name(f".frame-{page.name}")
    copy.write_text(page.read_text().replace("</head>", LOOK % mode + "</head>", 1))
    frame.write_text(FRAME % (width, copy.name))
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={max(width, 500)},1500",
            f"--user-data-dir={profile}", "--virtual-time-budget=4000",
        ]  # fmt: skip
        try:
            shown = [*command, f"--screenshot={picture}", frame.as_uri()]
            subprocess.run(shown, capture_output=True, check=True, timeout=100)
            dumped = [*command, "--dump-dom", frame.as_uri()]
            text = subprocess.run(dumped, capture_output=True, text=True, check=True, timeout=100).stdout
        finally:
            copy.unlink()
            frame.unlink()
    return json.loads(html.unescape(re.search(r'data-look="([^"]*)"', text)[1]))


def main() -> None:
    """Look at all pages."""
    folder, target = (Path(one).resolve() for one in sys.argv[1:3])
    target.mkdir(exist_ok=True)
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("There is no Chromium.")
    for page in PAGES:
        for mode in ("light", "dark"):
            for width in (1280, 400):
                picture = target / f"{page.removesuffix('.html').replace('/', '-')}-{mode}-{width}.png"
                seen = look(browser, folder / page, mode, width, picture)
                print(
                    f"{page} {mode} {width}: {seen['wide']} wide, reachable: {seen['reachable']}, worst: {seen['worst']}"
                )


if __name__ == "__main__":
    main()
