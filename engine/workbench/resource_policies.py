"""What a resource policy says of an AWS service, as far as a policy can be read without asking AWS.

Conditions other than those of the source's ARN and account are taken to hold.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_ARNS: Final = ("ArnEquals", "ArnLike", "StringEquals", "StringLike")


def allows(document: str, service: str, action: str, source: str | None = None) -> bool:
    """Whether a policy lets a service do something, on behalf of the source with an ARN."""
    statements = json.loads(document).get("Statement", []) if document else []
    said = [one["Effect"] for one in _listed(statements) if _is_about(one, service, action, source)]
    return "Allow" in said and "Deny" not in said


def _is_about(statement: Mapping[str, Any], service: str, action: str, source: str | None) -> bool:
    principal = statement.get("Principal", {})
    named = _listed(principal.get("Service", [])) if isinstance(principal, dict) else _listed(principal)
    everybody = "*" in named or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))
    if not (service in named or everybody):
        return False
    if not any(fnmatchcase(action.lower(), one.lower()) for one in _listed(statement.get("Action", []))):
        return False
    conditions = statement.get("Condition", {})
    if statement["Effect"] == "Deny":
        return not conditions
    wanted = [_source_arns(tests) for kind, tests in conditions.items() if kind in _OF_ARNS]
    return all(source is None or any(fnmatchcase(source, one) for one in arns) for arns in wanted if arns)


def _source_arns(tests: Mapping[str, Any]) -> list[str]:
    return [arn for key, values in tests.items() if key.lower() == "aws:sourcearn" for arn in _listed(values)]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  JSON
    return value if isinstance(value, list) else [value]
