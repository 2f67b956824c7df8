"""What a masking level says of the fields that it need not list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import INHERITED_OPERATORS, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Field


def with_inherited(operators: Mapping[Field, Operator]) -> dict[Field, Operator]:
    """The operators of a level, and those of fields that it does not list and that are masked as another is."""
    inherited = {field: operators.get(other, Operator.DROP) for field, other in INHERITED_OPERATORS.items()}
    return {**inherited, **operators}
