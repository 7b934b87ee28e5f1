"""What sphinx-gallery asks for: an archive before it runs an example, and the order of the examples."""

import warnings
from pathlib import Path
from typing import Any

import simulated_archive

ORDER = (
    "from_search_to_lag_map",
    "first_lag_map",
    "where_plasma_cools",
    "all_pairs",
    "loop_light_curves",
    "before_and_after_derotation",
    "time_distance",
    "followed_for_days",
    "whole_disk",
    "another_instrument",
    "quality_and_gaps",
    "trust_a_lag",
)


def before_example(gallery_conf: dict[str, Any], example: str) -> None:
    """Serve the archive, and draw figures whose labels are not cut off."""
    import matplotlib.animation
    import matplotlib.pyplot as plt

    # The player of films has an image without an alternative text.
    matplotlib.animation.DISPLAY_TEMPLATE = matplotlib.animation.DISPLAY_TEMPLATE.replace(
        "<img id=", '<img alt="A film, with the time of each image in its title" id='
    )
    simulated_archive.start()
    # Without the path of the script.
    warnings.formatwarning = lambda message, category, *args: f"{category.__name__}: {message}\n"
    plt.rcParams.update({"figure.dpi": 100, "savefig.bbox": "tight"})


class InOrder:
    """The place of an example among the others."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self, file_name: str) -> int:
        return ORDER.index(Path(file_name).stem)
