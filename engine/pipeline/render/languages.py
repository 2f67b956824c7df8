"""The words of each language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Language
from engine.pipeline.render.english import ENGLISH
from engine.pipeline.render.japanese import JAPANESE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.pipeline.render.words import Words

WORDS: Final[Mapping[Language, Words]] = {Language.EN: ENGLISH, Language.JA: JAPANESE}
