"""`trailbell routes`: what the policies can do with an event, for every bucket or for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.options import open_policies, policies_option
from engine.cli.terminal import heading, show, show_json
from engine.workbench.route_list import ListedPolicy, ListedRule, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class _RouteFilter(click.ParamType[tuple[str, str]]):
    """`bucket=NAME` or `account=ID`."""

    name = "subject"

    def convert(self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Convert `bucket=orders` to its two parts."""
        kind, equals, name = value.partition("=") if isinstance(value, str) else (value[0], "=", value[1])
        if kind not in {"bucket", "account"} or not equals or not name:
            self.fail(f"{value!r} is neither bucket=NAME nor account=ID", param, ctx)
        return kind, name


@click.command(short_help="List what the policies can do, for every bucket or for one.")
@policies_option
@click.option(
    "--for",
    "subjects",
    type=_RouteFilter(),
    metavar="bucket=NAME",
    multiple=True,
    help="Only what can happen to events on this bucket; account=ID: in this account.",
)
@click.option("--tree", is_flag=True, help="By file, in the order of a decision, with scopes and matchers.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def routes(policies_path: Path, subjects: Sequence[tuple[str, str]], form: str, *, tree: bool) -> None:
    """List the routes, silences and the default in the order of a decision: whom they notify, at which level, or what they mute.

    With --for, rules are left out that can never hold for the bucket or the account.
    """
    given = dict(subjects)
    if len(given) != len(subjects):
        raise click.UsageError("--for takes one bucket and one account")
    files = listed(open_policies(policies_path), given.get("bucket"), given.get("account"))
    if form == "json":
        show_json([_as_json(policy) for policy in files if policy.rules])
    else:
        show(*(_tree(files) if tree else _table(files)))


def _table(files: Sequence[ListedPolicy]) -> Iterator[str]:
    rules = [rule for policy in files for rule in policy.rules]
    width = max((len(rule.name) for rule in rules), default=0)
    for rule in rules:
        yield f"{rule.name:<{width}}  {rule.does:<7}  {_effect(rule)}".rstrip()


def _tree(files: Sequence[ListedPolicy]) -> Iterator[str]:
    for policy in files:
        if not policy.rules:
            continue
        scope = "; ".join(
            f"{word} {', '.join(names)}"
            for word, names in (("buckets", policy.buckets), ("accounts", policy.accounts))
            if names is not None
        )
        yield heading(policy.name, f"  {policy.path}, {policy.owner}: {scope or 'every bucket'}")
        for rule in policy.rules:
            yield f"  {rule.does:<7}  {rule.name.rpartition('/')[2]}  {_effect(rule)}".rstrip()
            yield from (f"             {expression}" for expression in rule.when)


def _effect(rule: ListedRule) -> str:
    targets = ", ".join(f"{name} ({level}, {severity})" if level else name for name, level, severity in rule.targets)
    remarks = ["continues" if rule.continues else "", f"during {rule.during}" if rule.during else ""]
    return "; ".join(filter(None, [targets, rule.reason, *remarks]))


def _as_json(policy: ListedPolicy) -> dict[str, object]:
    return {
        "policy": policy.name,
        "path": policy.path,
        "owner": policy.owner,
        "buckets": policy.buckets,
        "accounts": policy.accounts,
        "rules": [
            {
                "rule": rule.name,
                "does": rule.does,
                "when": rule.when,
                "channels": [
                    {"channel": name, **({"level": level, "severity": severity} if level else {})}
                    for name, level, severity in rule.targets
                ],
                "reason": rule.reason or None,
                "continues": rule.continues,
                "during": rule.during or None,
            }
            for rule in policy.rules
        ],
    }
