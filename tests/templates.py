"""The CloudFormation templates, read with their short forms."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parent.parent / "deploy/template.yaml"


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms as `{Name: value}`."""


def short_form(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """A short form's value under its name."""
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


def template(path: Path = TEMPLATE) -> dict[str, Any]:
    """A template as CloudFormation reads it; the caller's own."""
    return deepcopy(_read(path))


@cache
def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader)  # noqa: S506  a SafeLoader with CloudFormation's tags
    return loaded
