"""Functions that run at the same time: a channel that hangs must not hold up another."""

from __future__ import annotations

from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


MAKING_A_CLIENT: Final = Lock()
"""Held while boto3 makes a client: its default session serves one thread at a time.

Source: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html
"""


def side_by_side(functions: Sequence[Callable[[], None]]) -> None:
    """Run each function in a thread of its own, and wait for all. Raises the first error of any of them."""
    if len(functions) <= 1:
        for function in functions:
            function()
        return
    errors: list[BaseException] = []

    def run(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001  raised again where everybody waits
            errors.append(error)

    threads = [Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
