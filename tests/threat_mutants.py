"""Changes that each take away a defence which `docs/threat-model.md` names, and the test there that has to fail then."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
NAMED: Final = re.compile(r"`(tests/\w+\.py::\w+)`")


class ThreatMutant(NamedTuple):
    """In `file`, `old` (which stands there once) becomes `new`; `test` fails then."""

    file: str
    old: str
    new: str
    test: str


def rows() -> dict[str, list[str]]:
    """The tests of each row of the threat model, by who wants what."""
    lines = (ROOT / "docs/threat-model.md").read_text("utf-8").splitlines()
    cells = [line.split("|") for line in lines if line.startswith("| ") and not line.startswith("| attacker")]
    return {f"{row[1].strip()}: {row[3].strip()}": NAMED.findall("|".join(row)) for row in cells}


def _of(test: str, *changes: tuple[str, str, str]) -> tuple[ThreatMutant, ...]:
    return tuple(ThreatMutant(*change, f"tests/{test}") for change in changes)


_REFERENCE = "engine/pipeline/decide/reference.py"
_VOID = "engine/pipeline/decide/void.py"
_TARGET = "engine/pipeline/facts/target.py"
_SOURCE = "engine/policy/source.py"

MUTANTS: Final = (
    # whoever may write objects, or call S3
    *_of(
        "test_render_escape.py::test_nothing_that_is_shown_is_unseen_or_acts",
        ("engine/pipeline/render/escape.py", "return char if seen else _code(char)", "return char"),
    ),
    *_of(
        "test_preview.py::test_a_terminal_obeys_nothing_of_any_payload",
        ("engine/pipeline/render/escape.py", "return char if seen else _code(char)", "return char"),
    ),
    *_of(
        "test_terminal.py::test_a_terminal_obeys_nothing_of_what_a_command_prints",
        ("engine/cli/terminal.py", "line if isinstance(line, PaintedText) else harmless(line)", "line"),
        ("engine/cli/__init__.py", "    return harmless(text)", "    return text"),
    ),
    *_of(
        "test_decide.py::test_what_aws_vouches_for_goes_before_what_is_claimed_but_towards_what_is_never_muted",
        ("engine/policy/compile.py", "return 1 if strength == Strength.ATTESTED else 2", "return 1"),
        ("engine/policy/compile.py", "    if never_mute:\n        return 0\n", ""),
    ),
    *_of(
        "test_shipped_policies.py::test_the_policy_tests_of_a_shipped_set_hold_and_cover_all_of_it",
        ("engine/base/watch.yaml", "actor.strength != 'attested' || actor.kind", "actor.kind"),
        ("engine/base/watch.yaml", "    when: actor.class == 'credential-misuse'\n", "    when: actor.class == 'attack-tool'\n"),
    ),
    # copies
    *_of(
        "test_facts_target.py::test_however_its_sender_encodes_a_source_it_is_the_same",
        (_TARGET, '    if "%" in source:', "    if False:"),
    ),
    *_of(
        "test_facts_target.py::test_a_source_by_access_point_is_the_bucket_of_the_resources_that_is_not_the_target",
        (_TARGET, "    by_point = not names_bucket(copied)", "    by_point = False"),
    ),
    *_of(
        "test_decide.py::test_the_default_applies_for_each_bucket_of_a_copy",
        (_REFERENCE, "return not buckets or any(not any(owned_by", "return not buckets or all(not any(owned_by"),
    ),
    # mutes and silences
    *_of(
        "test_quieter_law.py::test_whoever_has_no_pinned_identity_is_never_muted_whatever_they_claim",
        ("engine/policy/pins.py", "    return is_pinned(branch) or all(", "    return True or all("),
    ),
    *_of(
        "test_void.py::test_in_a_set_that_is_in_force_a_rule_that_does_not_pin_is_void_and_its_routes_stand",
        (_VOID, "VoidReason.NOT_ALLOWED: True", "VoidReason.NOT_ALLOWED: False"),
    ),
    *_of(
        "test_void.py::test_a_role_of_the_same_name_in_another_account_is_heard",
        (_VOID, "return facts[group][place] is not False", "return False"),
    ),
    *_of(
        "test_void.py::test_a_caller_whose_account_is_not_known_is_heard",
        (_VOID, "return facts[group][place] is not False", "return facts[group][place] is True"),
    ),
    *_of(
        "test_void.py::test_a_rule_about_a_bucket_is_void_for_copies_out_of_another",
        (_VOID, "return source is not None and source != facts", "return False and source != facts"),
    ),
    *_of(
        "test_void.py::test_a_rule_about_a_bucket_is_void_for_a_copy_whose_source_cannot_be_read",
        (_VOID, "return source is not None and source !=", "return source not in {None, '?'} and source !="),
    ),
    *_of(
        "test_decide.py::test_a_class_that_is_never_muted_voids_mutes_and_silences",
        (_VOID, "VoidReason.NEVER_MUTE: never_mute", "VoidReason.NEVER_MUTE: False"),
    ),
    *_of(
        "test_decide.py::test_a_class_that_is_never_muted_is_heard_by_the_defaults_channels_whatever_routes_decide",
        (_REFERENCE, "defaulted = actor.never_mute or _default_applies", "defaulted = _default_applies"),
    ),
    *_of(
        "test_shipped_policies.py::test_mutes_and_silences_of_each_class_hold_but_for_those_that_nothing_makes_quieter",
        ("engine/base/actors.yaml", '    never_mute: true\n    emoji: ":rotating_light:"', '    emoji: ":rotating_light:"'),
        (
            "engine/base/actors.yaml",
            '    never_mute: true\n    emoji: ":skull_and_crossbones:"',
            '    emoji: ":skull_and_crossbones:"',
        ),
    ),
    *_of(
        "test_render_changes.py::test_what_it_opens_always_says_what_was_meant",
        ("engine/pipeline/render/changes.py", "[A-Za-z0-9+=,.@_-]{1,64}", ".{1,64}"),
    ),
    # records, and how many there are
    *_of(
        "test_decode.py::test_a_list_of_records_gives_each_of_them_and_the_bad_one_alone_is_reported",
        (
            "engine/pipeline/decode/__init__.py",
            "        if isinstance(item, DecodeError) and not read:\n",
            "        if isinstance(item, DecodeError):\n            return\n        if False:\n",
        ),
    ),
    *_of(
        "test_backlog.py::test_a_backlog_is_told_whole_in_time_and_nothing_healthy_dies",
        (
            "engine/pipeline/drain.py",
            "if slot.fails or not self._folds(len(rows)):",
            "if True:",
        ),
    ),
    # matchers that fail
    *_of(
        "test_decide.py::test_after_a_failed_route_later_mutes_of_that_policy_are_void",
        (_REFERENCE, "reason = _void_for(route, view, failed=bool(failures))", "reason = _void_for(route, view)"),
    ),
    *_of(
        "test_decide.py::test_after_failed_evidence_all_mutes_are_void_and_the_default_steps_in",
        (_VOID, "VoidReason.FAILURE: failed", "VoidReason.FAILURE: False"),
    ),
    *_of(
        "test_decide.py::test_after_a_failed_route_that_notifies_the_defaults_channels_hear_too",
        (_REFERENCE, "    if any(result.failed_to_notify for result in results):\n        return True\n", ""),
    ),
    # who edits policies
    *_of(
        "test_source.py::test_what_is_too_large_too_deep_or_entangled_is_refused_quickly",
        (_SOURCE, "if len(self._open) >= MAX_DEPTH:", "if False:"),
        (_SOURCE, "    if len(content) > MAX_BYTES:", "    if False:"),
    ),
    *_of(
        "test_growth.py::test_an_expression_that_copies_the_event_over_and_over_is_refused_at_once",
        ("engine/matching/growth.py", "if size.of_event() > MAX_GROWTH * LARGEST_EVENT:", "if False:"),
    ),
    *_of(
        "test_compile.py::test_names_and_literals_of_a_policy_are_never_code",
        ("engine/matching/writer.py", '{name}.get({self.constant(path[length])})"', "{name}.get('{path[length]}')\""),
    ),
    *_of(
        "test_source.py::test_characters_that_cannot_be_seen_are_refused",
        (_SOURCE, "    unseen = _UNSEEN.search(text)", "    unseen = None"),
    ),
    *_of("test_source.py::test_a_comment_hides_no_line_that_only_yaml_sees", (_SOURCE, r"|\r(?!\n)", "")),
    *_of(
        "test_load.py::test_a_link_leads_to_a_file_of_the_set_and_to_no_other",
        (_SOURCE, "    if folder is not None and not file.resolve()", "    if folder is None and not file.resolve()"),
    ),
    *_of(
        "test_load.py::test_of_an_event_file_no_more_is_read_than_an_event_has",
        (
            "engine/policy/load.py",
            "stream.read(LARGEST_EVENT + 1)\n    return content if len(content) <= LARGEST_EVENT else None",
            "stream.read(2 * LARGEST_EVENT)\n    return content",
        ),
    ),
    *_of(
        "test_bases.py::test_what_holds_for_every_file_stands_only_in_files_that_are_trusted",
        ("engine/policy/bases.py", "        for key in TRUSTED:", "        for key in ():"),
    ),
    *_of(
        "test_bases.py::test_one_teams_floor_takes_nothing_from_what_all_channels_are_shown",
        ("engine/policy/bases.py", "    yield from _floors(own)\n", ""),
    ),
    *_of(
        "test_load.py::test_a_scope_takes_the_defaults_place_where_each_pattern_demands_three_characters_in_a_row",
        ("engine/policy/compile.py", "anchored=scope.bounded", "anchored=True"),
    ),
    *_of(
        "test_bases.py::test_another_revision_of_the_base_is_refused_and_the_right_one_is_not",
        ("engine/policy/bases.py", "if extended.revision is not None and extended.revision != actual:", "if False:"),
    ),
    # what channels are to hear
    *_of(
        "test_outbox_batches.py::test_another_network_rings_while_the_incident_is_open",
        ("engine/outbox/rows.py", "    if row.events and entry.network is not None and", "    if False and"),
    ),
    *_of(
        "test_outbox_batches.py::test_nobody_is_folded_into_the_incident_of_another_caller",
        ("engine/pipeline/booking.py", 'text(identity("principalId")), user)', "None, user)"),
        ("engine/pipeline/booking.py", "return (account, role or name, acts_for)", "return (account, role or name)"),
    ),
    *_of(
        "test_outbox_batches.py::test_a_digest_hides_no_other_class_no_severity_and_no_denial",
        ("engine/pipeline/booking.py", "        verdict.actor.name,\n", ""),
    ),
    *_of(
        "test_outbox_batches.py::test_a_row_that_cannot_be_read_is_told_as_a_count_and_stops_nobody",
        ("engine/outbox/operations.py", "            row = in_place_of(item)", "            return None"),
    ),
    *_of(
        "test_outbox_batches.py::test_an_open_row_that_cannot_be_read_gives_way_to_a_new_one",
        (
            "engine/outbox/enter.py",
            "    except DamagedRowError:\n        return None",
            "    except ZeroDivisionError:\n        return None",
        ),
    ),
    *_of(
        "test_outbox_batches.py::test_what_slack_did_not_take_is_owed_and_not_handed_back",
        (
            "engine/pipeline/drain.py",
            "            self._log.record(sent, Outcome.FAILED)\n            self._release(hold, sent=True)\n",
            "            self._log.record(sent, Outcome.FAILED)\n            self._settle(hold)\n",
        ),
    ),
    *_of(
        "test_outbox_batches.py::test_a_row_holds_nothing_that_the_channels_level_hides",
        (
            "engine/pipeline/booking.py",
            "mask(pending.event, pending.decision, level, self",
            "mask(pending.event, pending.decision, self._setting.policies.levels[0], self",
        ),
    ),
    # published sets
    *_of(
        "test_active_policies.py::test_a_set_of_somebody_else_is_refused",
        ("engine/policy/poller.py", "        if not self._store.signed(copy):", "        if False:"),
    ),
    *_of(
        "test_active_policies.py::test_a_set_signed_for_staging_is_refused_in_production",
        ("engine/policy/poller.py", "    if published.place != place:", "    if False:"),
    ),
    *_of(
        "test_active_policies.py::test_a_change_of_the_default_is_announced_where_the_default_was",
        (
            "engine/active_policies.py",
            "before is None or _default_webhooks(before) <= _default_webhooks(active.policies)",
            "True",
        ),
    ),
    *_of(
        "test_active_policies.py::test_a_set_that_is_quieter_is_announced_as_such_with_what_changed_and_who_published_it",
        ("engine/active_policies.py", "quieter_changes(before, active.policies) if before is not None else ()", "()"),
    ),
    *_of(
        "test_active_policies.py::test_a_pinned_set_stays",
        ("engine/edge/published.py", "self.pinned = self._version is not None", "self.pinned, self._version = False, None"),
    ),
    # workflows, packages, permissions
    *_of(
        "test_workflows.py::test_every_action_of_others_is_pinned_to_a_commit",
        (".github/workflows/nightly.yml", "uses: actions/setup-python@", "uses: actions/setup-python@v6 # "),
    ),
    *_of(
        "test_requirements.py::test_every_line_is_one_version_with_hashes",
        ("requirements/runtime.txt", "click==", "click>="),
    ),
    *_of(
        "test_build.py::test_the_same_content_gives_the_same_bits",
        (
            "engine/workbench/bundle.py",
            "zipfile.ZipInfo(name, _EPOCH)",
            "zipfile.ZipInfo(name, __import__('datetime').datetime.now().timetuple()[:6])",
        ),
    ),
    *_of(
        "test_deploy.py::test_nobody_is_allowed_in_without_a_condition",
        (
            "deploy/template.yaml",
            "            Resource: !GetAtt Queue.Arn\n            Condition: {ArnEquals: {aws:SourceArn: !GetAtt Rule.Arn}}\n",
            "            Resource: !GetAtt Queue.Arn\n",
        ),
    ),
    *_of(
        "test_deploy.py::test_log_files_are_announced_by_their_bucket_or_its_topic_alone",
        ("deploy/template.yaml", "                  StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}\n", ""),
        (
            "deploy/template.yaml",
            "                Condition: {ArnEquals: {aws:SourceArn: !Ref LogFilesTopicArn}}\n",
            "                Condition: {ArnLike: {aws:SourceArn: '*'}}\n",
        ),
    ),
    *_of(
        "test_rule.py::test_only_accounts_of_the_organization_may_send_to_its_bus",
        ("deploy/template.yaml", "        Condition: {StringEquals: {aws:PrincipalOrgID: !Ref OrganizationId}}\n", ""),
    ),
    *_of(
        "test_deploy.py::test_the_function_may_do_this_and_nothing_else",
        ("deploy/template.yaml", "Action: [sqs:ReceiveMessage, ", "Action: [sqs:SendMessage, sqs:ReceiveMessage, "),
    ),
    *_of(
        "test_deploy.py::test_no_permission_is_for_everything",
        ("deploy/template.yaml", "Resource: !Ref SecretArns", 'Resource: "*"'),
    ),
    # log files and streams
    *_of(
        "test_pieces.py::test_a_payload_of_values_that_are_no_records_leaves_a_hundred_records_and_their_number",
        (
            "engine/pipeline/decode/__init__.py",
            "                continue\n        yield item\n    if errors",
            "        yield item\n    if errors",
        ),
    ),
    *_of(
        "test_decode_stream.py::test_after_damage_reading_goes_on_at_the_next_line_that_begins_with_a_value",
        (
            "engine/pipeline/decode/values.py",
            "            if start:\n                self._at = start.start()\n                return\n",
            "",
        ),
    ),
    # The law beside it finds this mutant with many examples only.
    *_of(
        "test_mask.py::test_whoever_names_a_session_or_an_agent_like_the_bucket_or_the_call_is_shown_no_less",
        ("engine/pipeline/mask/__init__.py", "sensitive.searched_in(field)", "sensitive"),
    ),
    # who reads, and who steals
    *_of(
        "test_mask_law.py::test_a_masked_value_stands_in_no_other_field",
        ("engine/pipeline/mask/redaction.py", "        if not spans:\n", "        if True:\n"),
    ),
    *_of(
        "test_render_links.py::test_no_link_holds_what_a_level_masks",
        (
            "engine/pipeline/render/links.py",
            "if masked.level.operators.get(field) is Operator.KEEP else None",
            "if True else None",
        ),
    ),
    *_of(
        "test_decide.py::test_a_failure_says_why_without_event_text",
        ("engine/matching/calls.py", "takes {takes}, not {_type(value)}", "takes {takes}, not {value} of payments"),
    ),
    *_of(
        "test_pipeline.py::test_at_another_level_it_holds_what_the_level_leaves",
        ("engine/pipeline/batch.py", "masked = None if level.name == OPEN else", "masked = None if True else"),
    ),
    *_of(
        "test_pipeline.py::test_at_another_level_what_could_not_be_decided_is_recorded_without_the_event",
        (
            "engine/pipeline/batch.py",
            "shown = policies.audit.event and level.name == OPEN",
            "shown = True",
        ),
    ),
    *_of(
        "test_secrets.py::test_nothing_of_what_is_kept_stands_in_the_repr",
        ("engine/edge/secrets.py", 'return "Secrets(…)"', "return str(self._kept)"),
    ),
    *_of(
        "test_secrets.py::test_a_url_that_may_not_be_posted_to_is_refused",
        ("engine/edge/secrets.py", "    if not known:\n", "    if False:\n"),
    ),
    *_of(
        "test_lambda_entry.py::test_a_webhook_that_slack_refuses_is_read_anew",
        ("engine/pipeline/destinations.py", "self._resolved(channel, fresh=True)", "self._resolved(channel, fresh=False)"),
    ),
    *_of(
        "test_mask.py::test_another_key_gives_another_pseudonym",
        ("engine/pipeline/mask/operators.py", "hmac.digest(key.secret, ", 'hmac.digest(b"", '),
    ),
)
