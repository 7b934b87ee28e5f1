import os
import subprocess
import sys

import dask.array as da
import pytest

# Older versions of dask cannot be imported themselves with this option.
pytestmark = pytest.mark.skipif(
    not hasattr(da, "array_expr_enabled"), reason="this dask has no array expressions"
)


@pytest.mark.parametrize("name", ["TimeLagCube", "LazyMapSequence"])
def test_array_expressions_of_dask_are_refused_with_the_remedy(name):
    code = f"from sunpy_heliocloud import limits, {name}"
    environment = os.environ | {"DASK_ARRAY__QUERY_PLANNING": "True"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: array.query-planning is True")
    assert "DASK_ARRAY__QUERY_PLANNING=False" in message
