"""Coordinate transformations that do not depend on the active contexts of sunpy."""

from collections.abc import Callable
from contextvars import Context, copy_context
from functools import wraps
from typing import Any

__all__ = ["active_screen", "without_contexts"]


def without_contexts[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """
    Let a function run outside all contexts of sunpy, such as `sunpy.coordinates.propagate_with_solar_surface`.

    The contexts would change the package's own transformations, and only in the caller's thread. sunpy stores
    them in context variables, which have their defaults in a new context.

    Parameters
    ----------
    function
        Opens the contexts that it needs by itself.
    """

    @wraps(function)
    def neutral(*args: P.args, **kwargs: P.kwargs) -> R:
        return Context().run(function, *args, **kwargs)

    return neutral


def active_screen() -> Any:
    """
    The active screen of the caller, such as `sunpy.coordinates.SphericalScreen`; `None` if there is none.
    """
    from sunpy.coordinates.screens import BaseScreen  # not in workers

    return next((value for value in copy_context().values() if isinstance(value, BaseScreen)), None)
