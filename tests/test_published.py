"""Published policy sets: packed, signed, followed; what does not prove good never replaces what did."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from slack_limits import violations
from worlds import PLACE, PUBLISHED, Memory, packed

from engine.active_policies import accepted
from engine.edge.published import S3Store
from engine.errors import PublishedSetError
from engine.model import ActivePolicySet, PolicySet, RejectedPolicySet
from engine.pipeline.render import changed_notice, refused_notice
from engine.policy.emergency import CONTENT, emergency_set
from engine.policy.load import READERS, schema
from engine.policy.poller import CLOCK_SKEW_SECONDS, Copy, PolicyPoller, ProcessNumbers
from engine.policy.published import pack, placed, unpack
from engine.policy.source import parse_source

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GOOD = """\
version: 1
name: base
owner: security
channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}]
masking: [{level: standard, fields: {time: keep, event: keep}}]
default: {notify: [watch], masking: standard}
"""
BROKEN = GOOD.replace("notify: [watch]", "notify: [wach]")
LINTED = GOOD + "routes: [{id: r, when: readOnly == 'true', notify: [watch]}]\n"
"""It loads; the linter has an error for it."""


# --- packing ----------------------------------------------------------------------------------------------------------


def test_a_packed_set_is_the_same_set() -> None:
    sources, commit, *unsigned = unpack(packed(GOOD, "abc"))
    assert [(source.path, source.text) for source in sources] == [("base.yaml", GOOD)]
    assert (commit, unsigned) == ("abc", [None, None, None, None])
    assert accepted(sources, commit).revision == accepted([parse_source(GOOD.encode(), "x.yaml")], None).revision


def test_what_is_signed_says_its_place_its_number_and_who_published_it() -> None:
    content = placed(packed(GOOD, "abc"), PLACE, 7, "a publisher")
    assert unpack(content) == (*unpack(packed(GOOD, "abc"))[:2], PLACE, 7, "a publisher", None)
    again = placed(content, PLACE, 8, None)
    assert unpack(again) == unpack(content)._replace(number=8, publisher=None)
    old = json.dumps({"format": 1, "commit": "abc", "files": {"base.yaml": GOOD}}).encode()
    assert unpack(placed(old, PLACE, 7, "a publisher")) == unpack(content), "the older format can be published again"


def test_the_same_files_give_the_same_bytes() -> None:
    files = [parse_source(GOOD.encode(), "policies/a.yaml"), parse_source(b"x", "policies/b.yaml")]
    assert pack(files, Path("policies"), None) == pack(files[::-1], Path("policies"), None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not what trailbell publish makes"),
        (b"[]", "it is not what trailbell publish makes"),
        (b'{"format": 2, "commit": null}', "it is not what trailbell publish makes"),
        (b"[" * 100_000, "it is not what trailbell publish makes"),
        (b'{"format": 3, "commit": null, "files": {"a.yaml": ""}}', "its format is 3, and this engine reads 2"),
        (b'{"format": 1, "commit": null, "files": {"a.yaml": ""}}', "publish it again with this version of trailbell publish"),
        (b'{"format": 2, "commit": null, "files": {}}', "it has 0 files"),
        (b'{"format": 2, "commit": 1, "files": {"a.yaml": ""}}', "it has 1 files"),
        (b'{"format": 2, "commit": null, "files": {"a.py": ""}}', "one of its files is not a YAML file"),
        (b'{"format": 2, "commit": null, "files": {"a\\n.yaml": ""}}', "one of its files is not a YAML file"),
        (b'{"format": 2, "commit": null, "files": {"a.yaml": 1}}', "one of its files is not a YAML file"),
        (b'{"format": 2, "commit": null, "files": {"a.yaml": ""}, "number": true}', "it is not what trailbell publish makes"),
        (b'{"format": 2, "commit": null, "files": {"a.yaml": ""}, "number": 1e9}', "it is not what trailbell publish makes"),
        (b'{"format": 2, "commit": null, "files": {"a.yaml": ""}, "number": -1}', "it is not what trailbell publish makes"),
        (b'{"format": 2, "commit": null, "files": {"a.yaml": ""}, "place": 1}', "it is not what trailbell publish makes"),
        (b'{"format": 2, "commit": null, "files": {"a.yaml": ""}, "publisher": []}', "it is not what trailbell publish makes"),
        (b" " * 16_777_217, "it has more than 16,777,216 bytes"),
    ],
)
def test_what_is_no_set_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(PublishedSetError, match=said):
        unpack(content)


@given(st.binary(max_size=300), st.integers(0, 200), st.binary(max_size=3))
def test_no_bytes_break_the_reader(content: bytes, place: int, change: bytes) -> None:
    whole = packed(GOOD)
    for given_bytes in (content, whole[:place] + change + whole[place + 1 :]):
        try:
            unpack(given_bytes)
        except PublishedSetError:
            continue


# --- following --------------------------------------------------------------------------------------------------------


def revision(text: str) -> str:
    return accepted([parse_source(text.encode(), "base.yaml")], None).revision


OTHER = GOOD.replace("time: keep", "time: keep, bucket: keep")


def test_the_newest_set_is_in_force_and_kept_as_good() -> None:
    store = Memory()
    store.publish(GOOD)
    found, refused = PolicyPoller(store, accepted).start()
    assert refused is None
    assert found is not None
    assert (found.policies.revision, found.version, found.new) == (revision(GOOD), "v1", True)
    assert store.state == ("v1", None)
    again, _ = PolicyPoller(store, accepted).start()
    assert again is not None
    assert not again.new


def test_a_newer_one_replaces_it_once() -> None:
    store = Memory()
    store.publish(GOOD)
    following = PolicyPoller(store, accepted)
    following.start()
    assert following.look("v1") is None
    store.publish(OTHER)
    found = following.look("v1")
    assert isinstance(found, ActivePolicySet)
    assert (found.policies.revision, found.new) == (revision(OTHER), True)
    assert following.look("v2") is None


@pytest.mark.parametrize(
    ("text", "signature", "said"),
    [
        (BROKEN, b"signed", "it has errors: base.yaml:6:20 [TB301]"),
        (LINTED, b"signed", "it has errors: base.yaml:7:36 [TB205]"),
        ("version: ]", b"signed", "it has errors: base.yaml:1:10 [TB101]"),
        (OTHER, b"forged", "its signature is not that of the key which the deployment names"),
        (OTHER, b"", "its signature is not that of the key which the deployment names"),
    ],
)
def test_what_does_not_prove_good_never_replaces_what_did(text: str, signature: bytes, said: str) -> None:
    store = Memory()
    store.publish(GOOD)
    following = PolicyPoller(store, accepted)
    following.start()
    store.publish(text, signature)
    assert following.look("v1") == RejectedPolicySet(said, "v2", new=True)
    assert store.state == ("v1", "v2")
    read = store.read
    assert following.look("v1") is None, "it is not looked at again"
    assert store.read == read
    found, refused = PolicyPoller(store, accepted).start()
    assert found is not None
    assert (found.version, found.policies.revision) == ("v1", revision(GOOD))
    assert refused == RejectedPolicySet(said, "v2", new=False)
    store.publish(OTHER)
    assert isinstance(following.look("v1"), ActivePolicySet)


def test_a_set_that_breaks_trailbell_is_refused_and_the_last_good_one_stays() -> None:
    def breaking(sources: Any, commit: str | None, _linted: bool) -> Any:  # noqa: FBT001  a callback's
        if sources[0].text.endswith("# breaks\n"):
            raise RecursionError("with a policy's text")
        return accepted(sources, commit)

    store = Memory()
    store.publish(GOOD)
    following = PolicyPoller(store, breaking)
    following.start()
    store.publish(OTHER + "# breaks\n")
    assert following.look("v1") == RejectedPolicySet("Trailbell broke on it (RecursionError)", "v2", new=True)
    found, _ = PolicyPoller(store, breaking).start()
    assert found is not None
    assert found.version == "v1"


def test_a_store_that_is_down_changes_nothing_and_is_asked_again() -> None:
    store = Memory()
    store.publish(GOOD)
    following = PolicyPoller(store, accepted)
    following.start()
    store.publish(OTHER)
    store.down = True
    assert following.look("v1") == RejectedPolicySet("S3 cannot be reached")
    store.down = False
    assert isinstance(following.look("v1"), ActivePolicySet)


def test_whatever_a_store_raises_is_a_refusal_and_stops_nothing() -> None:
    class Odd(Memory):
        odd = True

        def newest(self, known: str | None) -> Copy | None:
            if self.odd:
                raise AttributeError("'list' object has no attribute 'get'")
            return super().newest(known)

        def kept(self) -> tuple[str | None, str | None]:
            raise AttributeError("'list' object has no attribute 'get'")

    store = Odd()
    store.publish(GOOD)
    why = RejectedPolicySet("Trailbell broke on the newest policy set (AttributeError)")
    assert PolicyPoller(store, accepted).start() == (None, why)
    assert PolicyPoller(store, accepted).look("v0") == why
    store.odd = False
    assert isinstance(PolicyPoller(store, accepted).look("v0"), ActivePolicySet)


def test_a_store_that_hangs_costs_a_start_one_question() -> None:
    asked: list[str] = []

    class Hangs:
        def __getattr__(self, call: str) -> Any:
            asked.append(call)
            raise ReadTimeoutError(endpoint_url="https://s3.eu-west-1.amazonaws.com")

    store: Any = S3Store("s3://sets/current", "key", Copy, lambda _: Hangs())
    found, refused = PolicyPoller(store, accepted).start()
    assert found is None
    assert refused == RejectedPolicySet("the newest policy set cannot be read (ReadTimeoutError)")
    assert len(asked) == 1


@pytest.mark.parametrize("kept", [b"[]", b'"x"', b"1", b"null"])
def test_what_is_kept_and_is_no_object_is_an_error_of_ours(kept: bytes) -> None:
    class Odd:
        def get_object(self, **_: Any) -> Any:
            return {"Body": io.BytesIO(kept)}

    with pytest.raises(PublishedSetError):
        S3Store("s3://sets/current", "key", Copy, lambda _: Odd()).kept()


def test_with_no_set_at_all_there_is_none_and_why() -> None:
    assert PolicyPoller(Memory(), accepted).start() == (None, RejectedPolicySet("there is no published policy set"))
    store = Memory()
    store.publish(BROKEN)
    found, refused = PolicyPoller(store, accepted).start()
    assert found is None
    assert refused == RejectedPolicySet("it has errors: base.yaml:6:20 [TB301]", "v1", new=True)


def test_findings_of_a_refused_set_show_places_and_no_content() -> None:
    store = Memory()
    store.publish(GOOD + "# hooks.slack.com/services/" + "T0/B0/verysecret\n")
    _, refused = PolicyPoller(store, accepted).start()
    assert refused is not None
    assert "TB501" in refused.reason
    assert "verysecret" not in refused.reason


# --- the place and the number --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["s3://sets/staging", "s3://other/current", "s3://sets/current/", ""])
def test_a_set_signed_for_another_place_is_refused(place: str) -> None:
    store = Memory()
    store.publish(GOOD)
    poller = PolicyPoller(store, accepted)
    poller.start()
    store.publish(OTHER, place=place)
    assert poller.look("v1") == RejectedPolicySet(f"it is signed for another place than {PLACE}", "v2", new=True)
    assert PolicyPoller(store, accepted).start()[0] is not None, "a function that starts has the last good one"


def test_a_set_that_says_no_place_is_refused() -> None:
    store = Memory()
    store.store(packed(GOOD))
    _, rejected = PolicyPoller(store, accepted).start()
    assert rejected is not None
    assert "it says neither its place nor a number" in rejected.reason


OLDER = "it is older than a set that was active before; to go back, publish the old set again with trailbell publish --rollback"


def test_an_older_set_is_refused_also_by_a_function_that_starts_where_the_highest_number_is_shared() -> None:
    store, numbers = Memory(), ProcessNumbers()
    store.publish(GOOD)
    poller = PolicyPoller(store, accepted, numbers)
    poller.start()
    store.publish(OTHER)
    assert isinstance(poller.look("v1"), ActivePolicySet)
    store.store(store.copies[0].content)
    assert poller.look("v2") == RejectedPolicySet(OLDER, "v3", new=True)
    store.state = ("v1", None)
    active, rejected = PolicyPoller(store, accepted, numbers).start()
    assert rejected == RejectedPolicySet(OLDER, "v3", new=True)
    assert active is None, "nor is the older one taken that stands beside the set as the last good one"
    assert PolicyPoller(store, accepted).start()[0] is not None, "without what is shared, a function that starts cannot know"


def test_an_older_set_published_again_is_active() -> None:
    store = Memory()
    store.publish(GOOD)
    poller = PolicyPoller(store, accepted)
    poller.start()
    store.publish(OTHER)
    poller.look("v1")
    store.publish(GOOD)
    active = poller.look("v2")
    assert isinstance(active, ActivePolicySet)
    assert active.policies.revision == revision(GOOD)


def test_a_pinned_version_is_active_whatever_its_number_and_does_not_raise_the_highest() -> None:
    store, numbers = Memory(), ProcessNumbers()
    store.publish(GOOD, number=9_000)
    PolicyPoller(store, accepted, numbers).start()
    store.publish(OTHER, number=8_000)
    assert PolicyPoller(store, accepted, numbers).start()[0] is not None
    store.pinned = True
    active, _ = PolicyPoller(store, accepted, numbers).start()
    assert active is not None
    assert active.version == "v2"
    assert numbers.raise_to(9_000, "v1") == "v1"


def test_a_set_with_an_error_does_not_raise_the_highest_number() -> None:
    store, numbers = Memory(), ProcessNumbers()
    store.publish(GOOD)
    PolicyPoller(store, accepted, numbers).start()
    store.publish(BROKEN)
    active, rejected = PolicyPoller(store, accepted, numbers).start()
    assert rejected is not None
    assert active is not None, "otherwise nothing valid would be left"
    assert active.version == "v1"


def test_a_number_in_the_future_is_refused_so_it_shuts_out_nothing() -> None:
    now = PUBLISHED.timestamp()
    for seconds, accepted_then in ((CLOCK_SKEW_SECONDS, True), (CLOCK_SKEW_SECONDS + 1, False)):
        store, numbers = Memory(), ProcessNumbers()
        store.publish(GOOD, number=int((now + seconds) * 1_000))
        active, _ = PolicyPoller(store, accepted, numbers, lambda: now).start()
        assert (active is not None) is accepted_then
        assert (numbers.raise_to(int((now + seconds) * 1_000), "v2") == "v1") is accepted_then, "nothing was raised"


def test_a_function_that_starts_with_a_new_set_knows_which_one_was_before() -> None:
    store, numbers = Memory(), ProcessNumbers()
    store.publish(GOOD)
    first, _ = PolicyPoller(store, accepted, numbers).start()
    assert first is not None
    assert first.before is None
    store.publish(OTHER)
    store.state = ("v2", None)
    active, _ = PolicyPoller(store, accepted, numbers).start()
    assert active is not None
    assert active.before is not None, "also where the object beside the set says that it is known"
    assert active.before.revision == revision(GOOD)


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=8))
def test_whatever_is_stored_the_number_of_the_active_set_never_falls(versions: list[tuple[int, bool]]) -> None:
    store, numbers = Memory(), ProcessNumbers()
    poller = PolicyPoller(store, accepted, numbers)
    active: list[int] = []
    for number, starts_anew in versions:
        store.publish(GOOD, number=number)
        poller = PolicyPoller(store, accepted, numbers) if starts_anew else poller
        found = poller.look(None)
        if isinstance(found, ActivePolicySet):
            active.append(round(found.published.timestamp() * 1_000))
    assert active == sorted(active)
    assert not versions or max(active) == max(number for number, _ in versions)


# --- the set for emergencies, and what is told ------------------------------------------------------------------------


def test_the_set_for_emergencies_is_a_policy_like_others_and_shows_little() -> None:
    validator = Draft202012Validator(json.loads(schema(READERS[1])))
    assert list(validator.iter_errors(CONTENT)) == []
    policies = emergency_set()
    (level,) = [one for one in policies.levels if one is policies.default.level]
    assert level.rank == max(one.rank for one in policies.levels)
    shown = {field.value for field, operator in level.operators.items() if operator.value != "drop"}
    assert not shown & {"key", "source_ip", "user_agent", "name", "arn", "principal", "account", "access_key", "role", "session"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_notices_fit_and_say_which_set(language: str) -> None:
    def made(text: str, commit: str | None) -> PolicySet:
        return accepted(
            [parse_source(text.replace("name: watch,", f"name: watch, language: {language},").encode(), "x.yaml")], commit
        )

    before, after = made(GOOD, None), made(OTHER, "0123456789abcdef")
    active = ActivePolicySet(after, "v2", NOW, "arn:aws:iam::111122223333:user/publisher")
    notices: list[Any] = [
        changed_notice(after.channels["watch"], before, active),
        changed_notice(after.channels["watch"], None, active._replace(publisher=None)),
        refused_notice(after.channels["watch"], "x" * 5_000, after),
        refused_notice(after.channels["watch"], "why", after, emergency=True),
    ]
    for notice in notices:
        assert list(violations(notice.payload)) == []
    assert before.revision in json.dumps(notices[0].payload)
    assert "2026-11-24 00:00:00 UTC" in json.dumps(notices[1].payload)
    assert "user/publisher" in json.dumps(notices[0].payload)
    assert "0123456789ab" in json.dumps(notices[1].payload)
    assert "why" in notices[3].payload["text"]
