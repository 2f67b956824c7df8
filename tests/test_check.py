"""What can never be right is refused when it is loaded."""

from __future__ import annotations

import pytest

from engine.errors import ExpressionError
from engine.matching import FUNCTIONS, compile_expression


@pytest.mark.parametrize(
    ("expression", "says", "at"),
    [
        ("a && start_with(b, 'c')", "no function start_with()", "start_with"),
        ("nonsense(b)", "no function nonsense()", "nonsense"),
        ("contains(a)", "contains() takes 2 arguments, not 1", "contains"),
        ("length(a, b)", "length() takes 1 argument, not 2", "length"),
        ("merge()", "merge() takes at least 1 argument, not 0", "merge"),
        ("glob(a, `1`)", "the pattern of glob() is a string", "`1`"),
        ("regex(a, '(')", "RE2 does not take this regular expression", "'('"),
        ("cidr(a, '203.0.113.7/24')", "write 203.0.113.0/24", "'203"),
        ("sort_by(a, b)", "an expression reference, `&field`, is missing here", "b)"),
        ("length(&a)", "stands only as an argument of", "a)"),
        ("&a", "stands only as an argument of", "a"),
        ("map(&[&b], a)", "stands only as an argument of", "b]"),
    ],
)
def test_refusals_say_what_and_where(expression: str, says: str, at: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(expression)
    assert says in caught.value.what
    assert expression.index(at) == caught.value.offset


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_table_compiles_with_as_many_arguments_as_it_takes(name: str) -> None:
    arguments = ["&a" if "expref" in types else "a" for types in FUNCTIONS[name].parameters]
    if name == "join":  # whose separator stands there: an event's own could multiply it
        arguments[0] = "', '"
    assert callable(compile_expression(f"{name}({', '.join(arguments)})"))
