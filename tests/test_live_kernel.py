"""The tutorial as a notebook in a live kernel of Jupyter."""

import re
from pathlib import Path

import pytest

from sunpy_heliocloud.simulation import LocalServer, write_bucket

nbformat = pytest.importorskip("nbformat", reason="there is no Jupyter here")
nbclient = pytest.importorskip("nbclient", reason="there is no Jupyter here")
TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial" / "from_search_to_lag_map.py"
# After it: progress as a widget, and a player.
MORE = """import sunpy_heliocloud
sunpy_heliocloud.progress.delay = 0
_ = seq_171.to_cube().derotate_to(region).compute()
""", "cube_171[:3].animate()"  # fmt: skip


def cells(script):
    """Text and code of a script of the gallery, as cells."""
    for block in re.split(r"^# %%\n", script, flags=re.M):
        text, code = re.match(r"((?:#.*\n|\"\"\"[\s\S]*?\"\"\"\n)*)([\s\S]*)", block).groups()
        if text:
            yield nbformat.v4.new_markdown_cell(re.sub("^# ?", "", text, flags=re.M))
        if code.strip():
            yield nbformat.v4.new_code_cell(code)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """All outputs of the tutorial and of two more cells; an error in a cell is an error here."""
    if not TUTORIAL.exists():
        pytest.skip("the package is installed without its documentation")
    folder = tmp_path_factory.mktemp("notebook")
    with LocalServer() as server, pytest.MonkeyPatch.context() as patch:
        write_bucket(
            server.url, n_frames=80, shape=(100, 100), bad_quality=(20, 71), gaps=(43,),
            storage_options=server.storage_options,
        )  # fmt: skip
        patch.setenv("SUNPY_HELIOCLOUD_CACHE", "off")
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        notebook = nbformat.v4.new_notebook(cells=[*cells(TUTORIAL.read_text())])
        notebook.cells += [nbformat.v4.new_code_cell(code) for code in MORE]
        client = nbclient.NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        client.execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def of_kind(outputs, kind):
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


# A kernel and the tutorial take ten seconds.
def test_the_tutorial_runs_in_a_kernel_with_pictures_and_displays(outputs):
    assert len(of_kind(outputs, "image/png")) >= 5
    displays = "".join(of_kind(outputs, "text/html"))
    for name in ("LazyMapSequence", "TimeLagCube", "LagMap"):
        assert name in displays


def test_the_only_warning_of_the_tutorial_counts_pixels_at_the_edge(outputs):
    said = [output["text"] for output in outputs if output.get("name") == "stderr"]
    warnings = [line for text in said for line in text.splitlines() if "Warning" in line]
    assert all("at an edge of the lags" in line for line in warnings)


def test_progress_is_a_widget_and_an_animation_a_player_with_a_slider(outputs):
    assert of_kind(outputs, "application/vnd.jupyter.widget-view+json")
    assert any('type="range"' in page for page in of_kind(outputs, "text/html"))
