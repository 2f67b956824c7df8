"""The CloudFormation templates, read with their short forms."""

from __future__ import annotations

import shutil
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
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


def for_moto() -> str:
    """The template's text as moto can make it, which knows no alias of a function: events go to the function itself."""
    return TEMPLATE.read_text("utf-8").replace("!Ref Live", "!GetAtt Function.Arn")


NO_VALUE = {"Ref": "AWS::NoValue"}


def chosen(value: Any, *conditions: str) -> Any:
    """A part of a template with each `!If` decided: these conditions hold, no others do."""
    if isinstance(value, list):
        members = (chosen(member, *conditions) for member in value)
        return [member for member in members if member != NO_VALUE]
    if not isinstance(value, dict):
        return value
    if set(value) == {"If"}:
        name, then, otherwise = value["If"]
        return chosen(then if name in conditions else otherwise, *conditions)
    members = {name: chosen(member, *conditions) for name, member in value.items()}
    return {name: member for name, member in members.items() if member != NO_VALUE}


def linted(path: Path, *options: str) -> tuple[int, str]:
    """cfn-lint's exit code for a template, and what it prints."""
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("cfn-lint is not installed: make dev installs it")
    command = [linter, *options, "--", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own tool and file
    return done.returncode, done.stdout + done.stderr


@cache
def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader)  # noqa: S506  a SafeLoader with CloudFormation's tags
    return loaded
