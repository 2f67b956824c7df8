"""Debian's Chromium, spoken to over a pipe: what a page looks like, how tall its parts are, and what it asks the network for.

The protocol is https://chromedevtools.github.io/devtools-protocol/, messages ended by a null byte (`--remote-debugging-pipe`).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FONTS: Final = ("Lato", "Noto Sans CJK JP", "Noto Color Emoji")
"""Debian's packages fonts-lato, fonts-noto-cjk and fonts-noto-color-emoji."""

_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--remote-debugging-pipe",
)
_SECONDS: Final = 60.0
_COMPLAINTS: Final = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")


def executable() -> str | None:
    """The browser's path; None where there is none, or the fonts of the pictures are not there."""
    found, fonts = next(filter(None, map(shutil.which, NAMES)), None), shutil.which("fc-list")
    if found is None or fonts is None:
        return None
    listed = subprocess.run([fonts, ":", "family"], check=False, capture_output=True, text=True).stdout  # noqa: S603  fixed words
    return found if all(font in listed for font in FONTS) else None


class Page:
    """A tab of the browser that shows one file at one width."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.requested: list[str] = []
        """Every address that the page asked for."""
        self.complaints: list[str] = []
        """What stands in the console: errors, warnings, and what the page's policy refused."""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command."""
        return self._browser.call(method, self._session, self, **parameters)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, which the page's own policy does not forbid."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def heights(self, selector: str) -> list[float]:
        """The heights of elements, in CSS pixels."""
        return list(self.evaluate(f"[...document.querySelectorAll({selector!r})].map(e => e.getBoundingClientRect().height)"))

    def picture(self) -> bytes:
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"])


class Browser:
    """A running Chromium."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, os.fdopen(answers, "rb")
        self._number = 0

    def close(self) -> None:
        """Read no more from it."""
        self._answers.close()

    def call(self, method: str, session: str | None = None, page: Page | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result; requests of the page that are told meanwhile are kept."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            told = self._read()
            if page is not None and told.get("method") == "Network.requestWillBeSent":
                page.requested.append(told["params"]["request"]["url"])
            if page is not None and told.get("method") in {
                "Log.entryAdded",
                "Runtime.exceptionThrown",
                "Runtime.consoleAPICalled",
            }:
                page.complaints.append(json.dumps(told["params"]))
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                return dict(told["result"])

    def _read(self) -> dict[str, Any]:
        read = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser is gone"
            read += byte
        return dict(json.loads(read))

    def open(self, html: str, width: int, *, dark: bool = False) -> Page:
        """A page of this content, as wide as that."""
        with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False, encoding="utf-8") as file:
            file.write(html)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        page.call("Network.enable")
        page.call("Page.enable")
        page.call("Log.enable")
        page.call("Runtime.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Page.navigate", url=Path(file.name).as_uri())
        ready = "new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', () => done(1)))"
        page.call("Runtime.evaluate", expression=ready, awaitPromise=True)
        page.call("Runtime.evaluate", expression="document.fonts.ready.then(() => 1)", awaitPromise=True)
        Path(file.name).unlink()
        return page


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium with a profile of its own, ended with the block."""
    path = executable()
    assert path is not None
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        shell = f'exec "$0" "$@" 3<&{command_end} 4>&{answer_end}'
        process = subprocess.Popen(  # noqa: S603  the browser that was found, with flags of ours
            ["/bin/bash", "-c", shell, path, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(command_end, answer_end),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_end)
        os.close(answer_end)
        running = Browser(commands, answers)
        try:
            yield running
        finally:
            process.terminate()
            process.wait(_SECONDS)
            os.close(commands)
            running.close()
