"""
What is relied on of names of other packages that are private or not documented: a test for each, of the same name.

``docs/dev/insides.rst`` is the list. A test that fails here says which entry of it has changed.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path
from weakref import WeakSet

import dask.array as da
import numpy as np
import pytest
from dask.array.utils import meta_from_array
from dask.blockwise import Blockwise, BlockwiseDepDict, blockwise
from dask.highlevelgraph import HighLevelGraph
from ndcube import NDCube, NDCubeSequence

import astropy.units as u
from astropy.nddata import NDSlicingMixin
from astropy.table import TableFormatter
from astropy.wcs import WCS
from astropy.wcs.wcsapi import SlicedLowLevelWCS

from sunpy.map import GenericMap
from sunpy.net import Fido
from sunpy.net.attr import Attr, SimpleAttr
from sunpy.net.base_client import BaseClient, QueryResponseTable
from sunpy.util.exceptions import SunpyMetadataWarning

import sunpy_heliocloud

PACKAGE = Path(sunpy_heliocloud.__file__).parent
LIST = Path(__file__).parents[1] / "docs" / "dev" / "insides.rst"
ENTRIES = re.findall(r"^``([\w.]+)``$", LIST.read_text(), re.MULTILINE)
# Of named tuples, documented in spite of their underscore.
DOCUMENTED = {"_replace", "_asdict", "_fields", "_make"}


# ---- the list is complete


@pytest.fixture(scope="module")
def nodes():
    """Pairs of a file of the package and a node of its code."""
    return [(path, node) for path in PACKAGE.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def names_made_here(nodes):
    """All names that are defined or assigned anywhere in the package."""
    for _, node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
            yield getattr(node, "attr", None) or node.id


def test_all_private_attributes_of_others_are_listed(nodes):
    known = {*names_made_here(nodes), *DOCUMENTED, *(entry.rpartition(".")[2] for entry in ENTRIES)}
    foreign = {
        (path.name, node.attr)
        for path, node in nodes
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in known
    }
    assert not foreign


def test_nothing_private_is_imported_from_others(nodes):
    foreign = {
        f"{node.module}.{alias.name}"
        for _, node in nodes
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("sunpy_heliocloud")
        for alias in node.names
        if any(map(is_private, [*(node.module or "").split("."), alias.name]))
    }
    assert not foreign


def test_all_private_methods_that_are_overridden_are_listed():
    listed = {entry.rpartition(".")[2] for entry in ENTRIES}
    others = ("astropy", "dask", "distributed", "fsspec", "ndcube", "parfive", "s3fs", "sunpy.", "aiohttp")
    for module in pkgutil.walk_packages([str(PACKAGE)], "sunpy_heliocloud."):
        if is_private(module.name.rpartition(".")[2]):  # the kernels in C, which are no modules of Python
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if not (inspect.isclass(kind) and kind.__module__ == module.name):
                continue
            inherited = {n for base in kind.__mro__ if base.__module__.startswith(others) for n in vars(base)}
            # What LazyArray wraps without change, and the hook of notebooks, say nothing of insides.
            own = {
                n for n, value in vars(kind).items() if is_private(n) and not hasattr(value, "__wrapped__")
            }
            overridden = own & inherited - {"_abc_impl", "_repr_html_"}
            assert overridden <= listed, kind


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_has_a_test(entry):
    assert f"test_{entry.rpartition('.')[2].lstrip('_').lower()}" in globals()


# ---- the entries


def cube(**kwargs):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "HPLN-TAN", "HPLT-TAN"
    wcs.wcs.cunit = "deg", "deg"
    wcs.array_shape = (3, 4)
    return type("Cube", (NDCube,), kwargs)(np.zeros((3, 4)), wcs=wcs, unit=u.s, meta={"a": 1})


def test_new_instance():
    one = cube()
    one.extra_coords.add("height", 0, np.arange(3) * u.m)
    other = one._new_instance(data=np.ones((3, 4)), meta={"b": 2})
    assert type(other) is type(one)
    assert (other.meta, other.unit, other.data.sum()) == ({"b": 2}, u.s, 12)
    assert "height" in other.extra_coords.keys()


def test_get_crop_item():
    def whole(self, *points, **kwargs):
        asked.append(points)
        return np.s_[1:3, 0:4]

    asked = []
    crops = {"_get_crop_item": whole, "_get_crop_by_values_item": whole}
    sequence = NDCubeSequence([cube(**crops)] * 2)
    assert sequence.crop(["a"], ["b"]).data[0].shape == (2, 4)
    assert sequence[0].crop_by_values(["c"], ["d"]).shape == (2, 4)
    assert asked == [(["a"], ["b"])] * 2 + [(["c"], ["d"])]


test_get_crop_by_values_item = test_get_crop_item


def test_internal_coords():
    one = cube()
    part = one[1:]
    part.global_coords._internal_coords = {"time": ("time", 3 * u.s)}
    assert (part.global_coords["time"], len(one.global_coords)) == (3 * u.s, 0)
    assert part.global_coords.physical_types == {"time": "time"}
    assert part[:, 0].global_coords["time"] == 3 * u.s


def test_extra_coords():
    one, other = cube(), cube()
    one.extra_coords.add("height", 0, np.arange(3) * u.m)
    other._extra_coords = one.extra_coords[::2]
    assert list(other.extra_coords.keys()) == ["height"]


def test_slice_wcs():
    asked = []

    def slice_wcs(self, item):
        asked.append(item)
        return self.wcs

    assert "_slice_wcs" in vars(NDSlicingMixin)
    cube(_slice_wcs=slice_wcs)[1:, 2]
    assert asked == [(slice(1, None), 2)]


def test_slices_array():
    assert SlicedLowLevelWCS(WCS(naxis=3), [2, slice(3, 7), slice(None)])._slices_array == [
        2,
        slice(3, 7),
        slice(None),
    ]


def test_wcs():
    whole = WCS(naxis=3)
    assert SlicedLowLevelWCS(whole, [2, slice(3, 7), slice(None)])._wcs is whole


def test_can_handle_query():
    client = sunpy_heliocloud.net.HelioCloudClient
    assert BaseClient._registry[client] == Fido.registry[client] == client._can_handle_query


def test_display_table():
    class Response(QueryResponseTable):
        hide_keys = ("b",)

    assert Response({"a": [1], "b": [2]})._display_table.colnames == ["a"]


def test_attr_registry():
    class Kind(SimpleAttr):
        pass

    Attr.update_values({BaseClient: {Kind: [("one", "first")]}})
    assert "one" in Attr._attr_registry.pop(Kind).name
    Attr.update_values({BaseClient: {Kind: [("two", "second")]}})
    assert Attr._attr_registry.pop(Kind).name == ["two"]


def bare_map(**header):
    """A Map of which only the header is set, as for the times of a header."""
    bare = GenericMap.__new__(GenericMap)
    bare.meta = header
    return bare


def test_timesys():
    assert bare_map()._timesys == "UTC"
    assert bare_map(timesys="TAI")._timesys == "TAI"


def test_get_date():
    date = bare_map(timesys="TAI", **{"date-beg": "2018-05-29T18:00:00"})._get_date("date-beg")
    assert (date.isot, date.scale) == ("2018-05-29T18:00:00.000", "tai")
    assert bare_map()._get_date("date-beg") is None


def test_date_obs():
    assert bare_map(**{"date-obs": "2018-05-29T18:00:00"})._date_obs.isot == "2018-05-29T18:00:00.000"


def test_parse_fits_unit():
    assert bare_map()._parse_fits_unit("DN") == u.DN
    with pytest.warns(SunpyMetadataWarning, match="no such unit"):
        assert bare_map()._parse_fits_unit("no such unit") is None


def test_instances():
    distributed = pytest.importorskip("distributed")
    assert isinstance(distributed.Client._instances, WeakSet)


def test_getframe():
    assert sys._getframe(0).f_code.co_name == "test_getframe"


def test_pformat_col_iter():
    assert "max_lines" in inspect.signature(TableFormatter._pformat_col_iter).parameters
    assert "self._pformat_col_iter(" in inspect.getsource(TableFormatter)


def layer_of_values():
    values = BlockwiseDepDict({(0,): 3, (1,): 4}, numblocks=(2,))
    return values, blockwise(np.atleast_1d, "layer", "i", values, "i", numblocks={})


def test_blockwisedepdict():
    _, layer = layer_of_values()
    graph = HighLevelGraph.from_collections("layer", layer)
    assert da.Array(graph, "layer", ((1, 1),), dtype=int).compute().tolist() == [3, 4]


def test_io_deps():
    values, layer = layer_of_values()
    assert isinstance(layer, Blockwise)
    assert list(layer.io_deps.values()) == [values]
    assert values.mapping[1,] == 4


def test_get_output_keys():
    _, layer = layer_of_values()
    culled = HighLevelGraph.from_collections("layer", layer).cull([("layer", 1)])
    [left] = culled.layers.values()
    assert set(left.get_output_keys()) == {("layer", 1)}


def test_meta_from_array():
    plain = da.zeros((4, 4), chunks=2)
    assert not isinstance(meta_from_array(plain), np.ma.MaskedArray)
    assert isinstance(meta_from_array(da.ma.masked_equal(plain, 0)), np.ma.MaskedArray)
