"""Other engines, given the same rules in their own tongue: which rule is the first that holds, over parsed records.

Each function builds an engine and returns what asks it. It raises `ImportError` where its package is not installed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import jmespath

from bench.baseline import INTERPRETER, facts
from bench.generate import RAW, Compare, Condition, Field, Rule, expression
from engine.matching import compile_predicate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Record: TypeAlias = dict[str, Any]
Ask: TypeAlias = "Callable[[Record], object]"


# --- JMESPath ---------------------------------------------------------------------------------------------------------------


def jmespath_py(rules: Sequence[Rule]) -> Ask:
    """jmespath.py, compiled, one interpreter."""
    trees = [(jmespath.compile(expression(rule)).parsed, rule.id) for rule in rules]

    def ask(record: Record) -> object:
        document = {**record, **facts(record)}
        return next((name for tree, name in trees if INTERPRETER.visit(tree, document) is True), None)

    return ask


def trailbell_one_by_one(rules: Sequence[Rule]) -> Ask:
    """Trailbell's compiled expressions, each asked in its turn."""
    compiled = [(compile_predicate([expression(rule)]), rule.id) for rule in rules]

    def ask(record: Record) -> object:
        document = {**record, **facts(record)}
        return next((name for holds, name in compiled if holds(document)), None)

    return ask


# --- plain Python -----------------------------------------------------------------------------------------------------------

_READS: Final = {
    field: "record" + "".join(f"[{part!r}]" if number == 0 else f".get({part!r}, _none)" for number, part in enumerate(path))
    for field, path in ((field, RAW[field].split(".")) for field in Field)
}


def python_functions(rules: Sequence[Rule]) -> Ask:
    """One function a rule, as somebody would write it by hand; no glob and no regex."""
    source = "_none = {}\n" + "\n".join(
        f"def {rule.id}(record):\n    return {' and '.join(_python_clause(clause) for clause in rule.clauses)}" for rule in rules
    )
    written: dict[str, Any] = {}
    exec(compile(source, "rules", "exec"), written)
    functions = [(written[rule.id], rule.id) for rule in rules]

    def ask(record: Record) -> object:
        return next((name for holds, name in functions if holds(record)), None)

    return ask


def _python_clause(clause: Sequence[Condition]) -> str:
    return f"({' or '.join(_python_condition(condition) for condition in clause)})"


def _python_condition(condition: Condition) -> str:
    read, value = _READS[condition.field], repr(condition.value)
    return {
        Compare.EQUALS: f"{read} == {value}",
        Compare.DIFFERS: f"{read} != {value}",
        Compare.PREFIX: f"{read}.startswith({value})",
        Compare.CONTAINS: f"{value} in {read}",
    }[condition.compare]


# --- CEL --------------------------------------------------------------------------------------------------------------------


def cel_programs(rules: Sequence[Rule]) -> Ask:
    """common-expression-language (Rust): a program a rule, over the fields that are read."""
    import cel

    programs = [(cel.compile(" && ".join(_cel_clause(clause) for clause in rule.clauses)), rule.id) for rule in rules]

    def ask(record: Record) -> object:
        context = cel.Context(variables=_flat(record))
        return next((name for program, name in programs if program.execute(context)), None)

    return ask


def _cel_clause(clause: Sequence[Condition]) -> str:
    return f"({' || '.join(_cel_condition(condition) for condition in clause)})"


def _cel_condition(condition: Condition) -> str:
    name, value = condition.field.name.lower(), json.dumps(condition.value)
    return {
        Compare.EQUALS: f"{name} == {value}",
        Compare.DIFFERS: f"{name} != {value}",
        Compare.PREFIX: f"{name}.startsWith({value})",
        Compare.CONTAINS: f"{name}.contains({value})",
    }[condition.compare]


def _flat(record: Record) -> dict[str, str]:
    """The fields that rules read, so that the rest of the record need not cross into the other language."""
    identity = record["userIdentity"]
    return {
        "bucket": record["requestParameters"].get("bucketName") or "",
        "type": identity.get("type") or "",
        "role": identity.get("sessionContext", {}).get("sessionIssuer", {}).get("userName") or "",
        "agent": record.get("userAgent") or "",
        "region": record.get("awsRegion") or "",
    }


# --- zen-engine -------------------------------------------------------------------------------------------------------------


def zen_table(rules: Sequence[Rule]) -> Ask:
    """zen-engine (Rust): one decision table, the first row that holds."""
    import zen

    inputs = [{"id": field.name, "name": field.name, "field": field.name.lower()} for field in Field]
    rows = [
        {
            "_id": rule.id,
            "rule": json.dumps(rule.id),
            **{condition.field.name: _zen_cell(condition) for (condition,) in rule.clauses},
        }
        for rule in rules
    ]
    table = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
        "rules": [{**{field.name: "" for field in Field}, **row} for row in rows],
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "position": {"x": 0, "y": 0}},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": table, "position": {"x": 0, "y": 0}},
        {"id": "out", "name": "out", "type": "outputNode", "position": {"x": 0, "y": 0}},
    ]
    edges = [
        {"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    # A static loader compiles the table once; a decision made of text is read anew each time.
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"rules": {"nodes": nodes, "edges": edges}}}})

    def ask(record: Record) -> object:
        return engine.evaluate("rules", _flat(record))["result"].get("rule")

    return ask


def _zen_cell(condition: Condition) -> str:
    value = json.dumps(condition.value)
    return {
        Compare.EQUALS: value,
        Compare.DIFFERS: f"$ != {value}",
        Compare.PREFIX: f"startsWith($, {value})",
        Compare.CONTAINS: f"contains($, {value})",
    }[condition.compare]


# --- Cloud Custodian --------------------------------------------------------------------------------------------------------


def custodian(rules: Sequence[Rule]) -> Ask:
    """c7n: value conditions joined by and/or, a filter a rule."""
    from c7n.filters.core import ValueFilter

    built = [
        ([[ValueFilter(_custodian_condition(condition)).validate() for condition in clause] for clause in rule.clauses], rule.id)
        for rule in rules
    ]

    def ask(record: Record) -> object:
        return next(
            (name for clauses, name in built if all(any(condition(record) for condition in clause) for clause in clauses)), None
        )

    return ask


def _custodian_condition(condition: Condition) -> dict[str, str]:
    comparison, value = {
        Compare.EQUALS: ("eq", condition.value),
        Compare.DIFFERS: ("ne", condition.value),
        Compare.PREFIX: ("glob", f"{condition.value}*"),
        Compare.CONTAINS: ("glob", f"*{condition.value}*"),
    }[condition.compare]
    return {"type": "value", "key": RAW[condition.field], "op": comparison, "value": value}


ENGINES: Final = {
    "jmespath.py, linear": jmespath_py,
    "Trailbell's expressions, one by one": trailbell_one_by_one,
    "plain Python functions": python_functions,
    "CEL (Rust)": cel_programs,
    "zen-engine (Rust), decision table": zen_table,
    "Cloud Custodian": custodian,
}
"""What matches rules over parsed records, by the name that the report shows."""
