import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["TimeLagCube", "LazyMapSequence"])
def test_array_expressions_of_dask_are_refused_with_the_remedy(name):
    code = f"from sunpy_heliocloud import limits, {name}"
    environment = os.environ | {"DASK_ARRAY__QUERY_PLANNING": "True"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: array.query-planning is True")
    assert "DASK_ARRAY__QUERY_PLANNING=False" in message
