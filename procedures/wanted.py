"""The parameters of a recipe, typed as the procedure that it is for knows them."""

from collections.abc import Callable
from typing import TypeVar

from xraydaq.config import RunConfig

P = TypeVar("P")


def parameters_as(kind: type[P]) -> Callable[[RunConfig], P]:
    """Get the function that gets parameters of this kind from a configuration of the procedure they belong to."""

    def wanted_of(config: RunConfig) -> P:
        wanted = config.recipe.parameters
        assert isinstance(wanted, kind)  # the recipe's procedure has chosen it
        return wanted

    return wanted_of
