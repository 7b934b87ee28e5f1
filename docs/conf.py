"""Configuration of the documentation: https://www.sphinx-doc.org/en/master/usage/configuration.html"""

import os
import sys
from pathlib import Path

import matplotlib
from packaging.version import Version

import sunpy_heliocloud
from sunpy_heliocloud.version import version as full_version

matplotlib.use("Agg")
sys.path.insert(0, str(Path(__file__).parent))

# A page lists the methods that are written in the class itself. Those of our base classes belong on it, too; those of
# ndcube are in its documentation.
for public in ("TimeLagCube", "LagMap", "LagCube", "CorrelationCube", "LagMapCollection", "CubeCollection"):
    one = getattr(sunpy_heliocloud, public)
    for base in one.__mro__[1:]:
        for name, member in vars(base).items():
            if (
                base.__module__.startswith("sunpy_heliocloud")
                and not name.startswith("_")
                and callable(getattr(member, "__func__", member))
            ):
                if name not in vars(one):
                    setattr(one, name, member)

project = "sunpy_heliocloud"
author = "The sunpy_heliocloud developers"
copyright = "2026, The sunpy_heliocloud developers"
# Without the commit's hash, which would make the pages of every commit differ.
release = version = Version(full_version).public

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_automodapi.automodapi",
    "sphinx_automodapi.smart_resolver",
    "sphinx_changelog",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "tutorial"]  # the sources of the tutorial are made into pages
default_role = "py:obj"

# The build needs no network. Where there is one, DOCS_ONLINE=1 links to the documentation of other packages.
intersphinx_mapping = {}
if os.environ.get("DOCS_ONLINE") or os.environ.get("READTHEDOCS"):
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3/", None),
        "astropy": ("https://docs.astropy.org/en/stable/", None),
        "dask": ("https://docs.dask.org/en/stable/", None),
        "ndcube": ("https://docs.sunpy.org/projects/ndcube/en/stable/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "reproject": ("https://reproject.readthedocs.io/en/stable/", None),
        "s3fs": ("https://s3fs.readthedocs.io/en/stable/", None),
        "sunpy": ("https://docs.sunpy.org/en/stable/", None),
    }

# Every reference has to resolve (-n), but those to names of other packages, of which nothing is known without the network.
nitpicky = True
OTHERS = "aiohttp|astropy|collections|ctypes|dask|distributed|inspect|parfive|datetime|fsspec|matplotlib|mpl_animators|ndcube|np|numpy|os|pandas|pathlib|reproject|s3fs|sunpy|sunkit_image|typing|u|xarray|zarr"
nitpick_ignore_regex = [("py:.*", rf"(?:{OTHERS})(?:\..*)?"), ("py:class", r"-?\d.*")]  # numbers of defaults
# An entry of the cache that is damaged is made again: nobody sees the error.
nitpick_ignore = [("py:exc", "DamagedEntry")]

napoleon_google_docstring = False
napoleon_use_ivar = True  # else the fields of a dataclass are described twice
napoleon_use_rtype = False
autodoc_typehints = "none"  # The docstrings say the types, with shapes and units.
automodapi_inheritance_diagram = False
automodapi_toctreedirnm = "generated/api"
automodsumm_inherited_members = False

# The examples read a simulated archive (docs/simulated_archive.py, docs/gallery.py). EXAMPLES=0 leaves them out.
sphinx_gallery_conf = {
    "examples_dirs": ["tutorial", "../examples"],
    "gallery_dirs": ["generated/tutorial", "generated/gallery"],
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sunpy_heliocloud",),
    "plot_gallery": os.environ.get("EXAMPLES") != "0",
    "filename_pattern": ".*",
    "ignore_pattern": "time_lag_map|__init__",  # that of make demo paints images of its own
    "within_subsection_order": "gallery.InOrder",
    "reset_modules": ("matplotlib", "gallery.before_example"),
    "matplotlib_animations": True,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_",),
    "show_signature": False,
    "min_reported_time": 1,
    "write_computation_times": False,
}

html_theme = "sunpy"
html_static_path = ["_static"]
html_css_files = ["heliocloud.css"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
html_title = project
