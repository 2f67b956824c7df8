"""How large an expression may be. Policies are reviewed text, yet nothing in them may take the engine down."""

from __future__ import annotations

from typing import Final

MAX_EXPRESSION: Final = 16_384
"""Characters in one expression."""

MAX_NODES: Final = 4_096
"""Nodes in the syntax tree of one expression."""

MAX_DEPTH: Final = 32
"""How deep an expression or a literal in it may nest. Chains of `&&`, `||` and `|` count once, however long."""

MAX_CONDITION_DEPTH: Final = 8
"""How many conditions may use one another in a row."""

MAX_PATTERN: Final = 1_000
"""Characters in one glob, regular expression or network."""

MAX_REGEX_MEMORY: Final = 1 << 20
"""Bytes that RE2 may use for one regular expression and what it learns while it matches."""

LARGEST_EVENT: Final = 1 << 18
"""Characters of the event for which `MAX_GROWTH` is computed: a large one. Most have 3,000."""

MAX_GROWTH: Final = 64
"""How many times as large as the event a value may become that an expression makes on its way."""
