"""The exception tree. No text in it ever holds event data, a webhook URL or a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.model import Finding


class TrailbellError(Exception):
    """The root: everything Trailbell raises on purpose."""


class ExpressionError(TrailbellError):
    """An expression that does not compile: `what` is wrong, and `offset`, the 0-based character where (None: as a whole).

    `instead` is what to write, where that is known.
    """

    def __init__(self, what: str, offset: int | None = None, instead: str = "") -> None:
        super().__init__(what if offset is None else f"{what} (at character {offset + 1})")
        self.what = what
        self.offset = offset
        self.instead = instead


class UndefinedNameError(ExpressionError):
    """An expression that names a list or a condition which the set does not define; `known` are those that it does."""

    def __init__(self, kind: str, name: str, known: Iterable[str], offset: int | None) -> None:
        super().__init__(f"there is no {kind} {name}", offset)
        self.name = name
        self.section = f"{kind}s"
        self.known = sorted(known)


class BrokenConditionError(ExpressionError):
    """An expression that is right in itself, and asks for a condition that is not."""


class CircularConditionError(BrokenConditionError):
    """Conditions that ask for each other in a circle: their `names`."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"these conditions use each other in a circle: {' -> '.join((*names, names[0]))}")
        self.names = tuple(names)


class DeepConditionError(BrokenConditionError):
    """Conditions that use others, which use others, and so on, for too long."""


class MatcherError(TrailbellError):
    """A matcher that failed on an event. The text names the function and the types involved, never a value."""


class MatcherTypeError(MatcherError):
    """A function or a comparison met a value of a type that it does not take."""


class MatcherValueError(MatcherError):
    """A value of the right type that cannot be used: a slice step of zero, an expression reference of mixed types."""


class MatcherArityError(MatcherError):
    """A function was called with too few or too many arguments."""


class UnknownFunctionError(MatcherError):
    """A function that neither JMESPath nor Trailbell has."""


class TooManyWaysError(TrailbellError):
    """An analysis of expressions that was given up: it would take too long."""


class HardPatternError(TrailbellError):
    """A pattern that the prover does not read, or that would take it too long; the text names what, as a part of a sentence."""


class PolicySetError(TrailbellError):
    """A policy set that cannot be used: `findings`, at least one, say where, what and what instead."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(finding.line for finding in findings))
        self.findings = tuple(findings)


class FetchError(TrailbellError):
    """A log file that could not be fetched; `passing` says whether trying again may help."""

    def __init__(self, what: str, *, passing: bool) -> None:
        super().__init__(what)
        self.passing = passing


class DamagedError(TrailbellError):
    """Bytes that end too early or are not what they claim to be. What was read before them stands."""


class WebhookError(TrailbellError):
    """A channel's webhook that could not be resolved (no such secret, a host that is not allowed). Never holds the URL."""

    def __init__(self, what: str, *, passing: bool = False) -> None:
        super().__init__(what)
        self.passing = passing


class PublishedSetError(TrailbellError):
    """A published policy set that cannot be read (`passing`: trying again may help), or that does not prove good.

    Holds places and codes, no content.
    """

    def __init__(self, what: str, *, passing: bool = False) -> None:
        super().__init__(what)
        self.passing = passing


class OlderSetError(PublishedSetError):
    """A published policy set whose number is lower than the highest that was active."""

    def __init__(self) -> None:
        what = "it is older than a set that was active before"
        super().__init__(f"{what}; to go back, publish the old set again with trailbell publish --rollback")


class LockError(TrailbellError):
    """A `trailbell.lock` that cannot be understood."""


class StackError(TrailbellError):
    """A deployed stack that could not be looked at."""


class HashKeyError(TrailbellError):
    """A hash key that could not be read or is too short. Never holds the key."""


class InputError(TrailbellError):
    """Input of the command line that cannot be used: a path that does not exist, an event file that is not JSON."""


class MissingResourceError(Exception):
    """A file that every installation of Trailbell has is not there: its name, and the path where it was expected."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(f"this installation of Trailbell lacks {name} (expected at {path}); install it again")


class WorkerFaultError(Exception):
    """A fault of ours in a process that reads files: what it was and where, without its text, which may hold event data."""
