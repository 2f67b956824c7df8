"""A Japanese message has no English sentence in it, and an English one no Japanese; nothing of an event counts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, SHIPPED
from messages import lines
from sample_messages import SAMPLES

from engine.model import Deployment, Event, Language
from engine.pipeline.booking import PendingNotification
from engine.pipeline.decide import decide
from engine.pipeline.posting import compose
from engine.pipeline.render.languages import WORDS
from engine.pipeline.setting import Setting
from engine.policy.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import ActorClass, Message, PolicySet

ROOT = Path(__file__).parent.parent
EVENTS = sorted((ROOT / "tests/events").glob("*.json"))
SETS = [SHIPPED, ROOT / "examples/tour/policies"]

JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
ENGLISH = re.compile(r"(?<![\w-])(?:the|a|an|of|by|was|is|in|on|to|and|or|with|who|that|from|read|wrote|for)(?![\w-])")
"""Words that no name and no value of the samples has."""

NAMES = re.compile(
    r"Athena for Apache Spark|Amazon Cognito|aws login|AWS Skill Builder|Stratus Red Team|IAM Identity Center|AWS Academy"
)
"""Names of products, which are not translated."""


def texts(words: object) -> Iterator[str]:
    """Every text of some words."""
    if isinstance(words, str):
        yield words
    elif isinstance(words, dict):
        for inner in words.values():
            yield from texts(inner)
    elif isinstance(words, tuple):
        for inner in words:
            yield from texts(inner)


@pytest.mark.parametrize("text", sorted(set(texts(WORDS[Language.JA]))))
def test_the_japanese_words_hold_no_english_sentence(text: str) -> None:
    assert not ENGLISH.search(re.sub(r"\{\w+\}", "", NAMES.sub("", text)))


@pytest.mark.parametrize("text", sorted(set(texts(WORDS[Language.EN]))))
def test_the_english_words_hold_no_japanese(text: str) -> None:
    assert not JAPANESE.search(text)


def classes(folder: Path) -> list[ActorClass]:
    policies = load(folder)
    return [*policies.actors, policies.unknown]


@pytest.mark.parametrize("folder", SETS, ids=["base", "tour"])
def test_every_class_and_every_evidence_of_a_shipped_set_speaks_both_languages(folder: Path) -> None:
    for actor in classes(folder):
        told = [actor.title, *(evidence.says for evidence in actor.evidence)]
        for text in told:
            assert text is not None, actor.name
            assert text.ja is not None, (actor.name, text.en)
            assert JAPANESE.search(text.ja), text.ja
            assert not ENGLISH.search(NAMES.sub("", text.ja)), text.ja
            assert not JAPANESE.search(text.en), text.en


def messages(policies: PolicySet, language: Language) -> Iterator[tuple[str, Message]]:
    """What each event of the fixtures makes in channels of one language."""
    setting = Setting(policies, Deployment())
    for path in EVENTS:
        read: dict[str, Any] = json.loads(path.read_text("utf-8"))
        event = Event(read.get("detail", read), path.name)
        decision = decide(event, policies, NOW)
        for request in decision.verdict.requests:
            channel = policies.channels[request.channel]._replace(language=language)
            yield path.stem, compose(channel, [PendingNotification(0, event, decision, request)], setting)[0]


def test_no_message_about_a_fixture_mixes_languages() -> None:
    policies = load(SHIPPED)
    for name, message in messages(policies, Language.JA):
        for number, line in enumerate(lines(message)):
            if number != 1 and "Slack" not in name:
                assert not ENGLISH.search(NAMES.sub("", line)), (name, line)
    for name, message in messages(policies, Language.EN):
        for number, line in enumerate(lines(message)):
            assert number == 1 or not JAPANESE.search(line), (name, line)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_sample_mixes_languages(name: str) -> None:
    shown = lines(SAMPLES[name]())
    if name.startswith("japanese"):
        spoken = [line for line in shown if "PAY-" not in line]
        assert not [line for line in spoken if ENGLISH.search(NAMES.sub("", line))]
        assert any(JAPANESE.search(line) for line in shown)
    else:
        assert not [line for line in shown if JAPANESE.search(line)]
