"""The writer of generated source: names, constants, and the three ways in which a node is written.

As its `value`; as a `test`, true in Python exactly where the value is true in JMESPath; or as `exactly` true, which is what a
matcher asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.matching.source import Constant, Generated
from engine.matching.types import BOOLEAN, types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.matching.tree import Node


class ValueScope:
    """Where a node is read: the name of the current value, and the names of what was certainly read of it before.

    `known` are names by path, and by test, pattern and path where that path was certainly tested.
    """

    def __init__(self, name: str, known: dict[Any, str], *, is_object: bool = False) -> None:
        self.name = name
        self.known = known
        self.is_object = is_object


class Writer:
    """Writes the source of one function; `values` holds, for each kind of node, the function that writes its value."""

    def __init__(self, values: Mapping[str, Callable[[Writer, Node, ValueScope], str]]) -> None:
        self._value_of = values
        self._constants: dict[tuple[str, type, object], str] = {}
        self._values: list[Constant] = []
        self._temporaries = 0
        self._named: dict[str, str] = {}

    def source(self, body: str, parameters: str = "d") -> Generated:
        """The finished source around a body."""
        names = ", ".join(f"k{place}" for place in range(len(self._values)))
        return Generated(f"lambda {names}: lambda {parameters}: ({body})", self.constants)

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The constants so far, in the order of their names."""
        return tuple(self._values)

    def temporary(self) -> str:
        """A new name."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    def constant(self, value: object, kind: str = "value") -> str:
        """The name of a constant; of texts, integers and functions that are equal, the same one."""
        if kind == "value" and (value is None or value is True or value is False):
            return str(value)
        shared = value.__class__ in (str, int) or callable(value)
        name = self._constants.get((kind, value.__class__, value)) if shared else None
        if name is None:
            name = f"k{len(self._values)}"
            self._values.append(Constant(kind, value))
            if shared:
                self._constants[kind, value.__class__, value] = name
        return name

    def bind(self, code: str) -> tuple[str, str]:
        """Code that also gives its value a name, and that name."""
        if code.isidentifier():
            return code, code
        if code in self._named:
            return code, self._named[code]
        return self._name(code)

    def _name(self, code: str) -> tuple[str, str]:
        name = self.temporary()
        bound = f"({name} := {code})"
        self._named[bound] = name
        return bound, name

    def chain(self, nodes: Sequence[Node], scope: ValueScope, joint: str, write: Callable[[Node, ValueScope], str]) -> str:
        """Nodes joined by `and` or `or`. What only a later one reads may never have been read: it is not known afterwards."""
        first = write(nodes[0], scope)
        known = dict(scope.known)
        parts = [first, *(write(node, scope) for node in nodes[1:])]
        scope.known = known
        return f" {joint} ".join(parts)

    # --- the three ways ------------------------------------------------------------------------------------------------

    def value(self, node: Node, scope: ValueScope) -> str:
        """The value of a node."""
        return self._value_of[node.kind](self, node, scope)

    def test(self, node: Node, scope: ValueScope) -> str:
        """Whether a node is true as JMESPath sees it: zero is; empty strings, arrays and objects are not."""
        if node.kind in JOINTS:
            return f"({self.chain(node.children, scope, JOINTS[node.kind], self.test)})"
        code = self.value(node, scope)
        if "number" not in types(node):
            return code
        bound, name = self.bind(code)
        return f"({bound} or {name}.__class__ is int or {name}.__class__ is float)"

    def exactly(self, node: Node, scope: ValueScope) -> str:
        """Whether a node is exactly true."""
        if types(node) <= _TRUE_OR_FALSY:
            return self.test(node, scope)
        if node.kind == "and_expression":
            last = node.children[-1]
            return f"({self.chain(node.children, scope, 'and', lambda each, at: self._link(each, at, last))})"
        return f"{self.value(node, scope)} is True"

    def _link(self, node: Node, scope: ValueScope, last: Node) -> str:
        return self.exactly(node, scope) if node is last else self.test(node, scope)

    # --- reading -------------------------------------------------------------------------------------------------------

    def read(self, scope: ValueScope, path: tuple[str, ...]) -> str:
        """A field of a field of … the current value; what was read before is not read again."""
        start = next((length for length in range(len(path), 0, -1) if path[:length] in scope.known), 0)
        code = scope.known[path[:start]] if start else scope.name
        if not code.isidentifier():
            code, scope.known[path[:start]] = self._name(code)
        for length in range(start, len(path)):
            bound, name = self.bind(code)
            plain = f"{name}.get({self.constant(path[length])})"
            step = plain if scope.is_object and not length else self._guarded(bound, name, plain, path[length])
            code, scope.known[path[: length + 1]] = self._name(step)
        return code

    def _guarded(self, bound: str, name: str, plain: str, key: str) -> str:
        return f"{plain} if {bound}.__class__ is dict else field({name}, {self.constant(key)})"

    def steps(self, code: str, nodes: Sequence[Node]) -> str:
        """Nodes one after the other, each with the value before it as the current one."""
        parts = []
        for node in nodes:
            bound, name = self.bind(code)
            if bound != name:
                parts.append(f"{bound} is {name}")
            code = self.value(node, ValueScope(name, {}))
        return f"({' and '.join([*parts, code])})" if parts else code


JOINTS: Final[Mapping[str, str]] = {"and_expression": "and", "or_expression": "or"}
_TRUE_OR_FALSY: Final = BOOLEAN | {"null"}
