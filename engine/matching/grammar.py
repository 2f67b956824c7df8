"""jmespath.py's own parser, its tokens and its errors. Only those who parse import this: it costs 16 ms at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, LexerError, ParseError
from jmespath.parser import Parser

from engine.errors import ExpressionError
from engine.matching.hints import hint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Raw: TypeAlias = "Mapping[str, Any]"
"""A node of jmespath.py: `type`, `children` and, for some, `value`."""


class _Parser(Parser):
    """A parser that shows its tokens and leaves jmespath.py's cache of 512 expressions to others."""

    def raw(self, expression: str) -> tuple[Raw, Sequence[Raw]]:
        parsed: Raw = self._do_parse(expression).parsed  # type: ignore[attr-defined]  # the stubs hold public names only
        tokens: Sequence[Raw] = self._tokens  # type: ignore[attr-defined]  # as above
        return parsed, tokens


def raw_tree(expression: str) -> tuple[Raw, Sequence[Raw]]:
    """jmespath.py's tree and tokens. Raises `ExpressionError`: jmespath.py's errors draw a picture, ours point into the text."""
    try:
        return _Parser().raw(expression)
    except EmptyExpressionError:
        raise ExpressionError("the expression is empty") from None
    except IncompleteExpressionError:
        raise ExpressionError("the expression ends too early", len(expression)) from None
    except LexerError as error:
        raise ExpressionError(_lexer_text(error), error.lexer_position, hint(expression, error.lexer_position)) from None
    except ParseError as error:
        what = f"`{error.token_value}` is not expected here"
        raise ExpressionError(what, error.lex_position, hint(expression, error.lex_position)) from None
    except RecursionError:
        raise ExpressionError("the expression nests too deep") from None
    except (ValueError, IndexError):
        raise ExpressionError("the expression is not JMESPath") from None


def _lexer_text(error: LexerError) -> str:
    if error.lexer_value == "=":
        return "`=` is not an operator"
    if error.message.startswith("Unclosed"):
        return f"`{error.message.split()[1]}` is opened here and never closed"
    return f"`{error.lexer_value}` is not expected here"
