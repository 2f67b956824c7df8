"""Advanced event selectors as CloudTrail evaluates them.

Of one field, the positive operators are alternatives, the negative ones all hold, and so do both groups together. An operator
that excludes leaves an event alone that has no such field.
Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_POSITIVE: Final = {"Equals": str.__eq__, "StartsWith": str.startswith, "EndsWith": str.endswith}


def is_recorded(record: Mapping[str, Any], selectors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a trail records an event: one of its selectors takes it for one of its objects."""
    objects = [one["ARN"] for one in record.get("resources", ()) if one["type"] == "AWS::S3::Object"]
    return any(_takes(selector, record, arn) for selector in selectors for arn in objects)


def _takes(selector: Mapping[str, Any], record: Mapping[str, Any], arn: str) -> bool:
    values = {
        "eventCategory": record.get("eventCategory"),
        "resources.type": "AWS::S3::Object",
        "resources.ARN": arn,
        "eventName": record.get("eventName"),
        "userIdentity.arn": record["userIdentity"].get("arn"),
    }
    return all(_holds(field, values[field["Field"]]) for field in selector["FieldSelectors"])


def _holds(field: Mapping[str, Any], value: str | None) -> bool:
    wanted = [(test, text) for name, test in _POSITIVE.items() for text in field.get(name, ())]
    unwanted = [(test, text) for name, test in _POSITIVE.items() for text in field.get(f"Not{name}", ())]
    if value is None:
        return not wanted
    taken = not wanted or any(test(value, text) for test, text in wanted)
    return taken and not any(test(value, text) for test, text in unwanted)
