"""How far the log files of a batch were read, so that one that comes again goes on where it stopped.

A file can hold more events than one invocation has time for. Its records are done in pieces: decided, recorded and booked before
the table is told how far the file is done. An invocation that has little time left stops there and hands its item back. Without
a table a file is read from its start each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model import LogFilePlace, Ports

PIECE_RECORDS: Final = 10_000
"""After so many records of log files at the latest it is noted how far they are done."""

NOTED_FROM: Final = 1_000
"""It is not noted of smaller files: reading one again costs less than the table does."""

STOP_SECONDS: Final = 15.0
"""With so little time left no further record of a log file is begun: what is pending has to be booked yet."""


class LogFileReading:
    """The log files that one batch reads."""

    def __init__(self, ports: Ports) -> None:
        self._log_files = ports.log_files
        self._remaining = ports.remaining
        self._places: dict[str, tuple[LogFilePlace, str | None]] = {}
        """How far each file was read since the last note, and its batch item."""
        self._records = 0

    @property
    def piece_is_read(self) -> bool:
        """Whether it should be noted how far the files are done."""
        return self._records >= PIECE_RECORDS

    def add(self, place: LogFilePlace | None, item: str | None) -> bool:
        """Take the place of a record and its batch item; whether there is too little time to go on after it.

        Where nobody knows how far a file was read, reading never stops: the next time would not get further.
        """
        if place is None or self._log_files is None:
            return False
        self._places[place.file] = (place, item)
        self._records += 1
        return self._remaining() < STOP_SECONDS

    def note(self, has_failed: Callable[[str | None], bool], *, stopped: bool = False) -> None:
        """Note how far the files are done, but for those of items that failed: these are read again."""
        for place, item in self._places.values():
            if self._log_files is not None and not has_failed(item) and (stopped or place.number >= NOTED_FROM):
                self._log_files.note_done(place)
        self._places = {}
        self._records = 0
