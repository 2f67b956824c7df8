"""No secret stands in the repository, and what looks like one is found. `test_build` looks in the zip, `chaos` in the log."""

from __future__ import annotations

import base64

import pytest
from leaks import LOOKS, leaks
from repository import name, tracked

MADE_UP = {
    "a Slack webhook": "https://hooks.slack.com/services/" + "T0123456/B0123456/" + "x" * 24,
    "a Slack token": "xoxb" + "-123456789012-" + "x" * 24,
    "an AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "a private key": "-----BEGIN EC " + "PRIVATE KEY-----",
    "a GitHub token": "ghp" + "_" + "x" * 36,
    "a key of hash": '{"epoch": "1", ' + f'"key": "{base64.b64encode(bytes(32)).decode()}"' + "}",
}


def test_every_sort_of_secret_is_tried() -> None:
    assert set(MADE_UP) == set(LOOKS)


@pytest.mark.parametrize("sort", LOOKS)
def test_a_secret_is_found_in_the_middle_of_a_line(sort: str) -> None:
    assert leaks(f"before {MADE_UP[sort]} after".encode()) == [sort]


def test_no_secret_stands_in_the_repository() -> None:
    assert {name(path): found for path in tracked() if (found := leaks(path.read_bytes()))} == {}
