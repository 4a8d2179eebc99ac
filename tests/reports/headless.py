"""A headless Chromium, spoken to over a pipe: enough to load a page and ask what it did."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-quic",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--disable-component-update",
    "--disable-default-apps",
    "--remote-debugging-pipe",
]


def binary() -> str | None:
    """The browser's path, where one is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One page. `events` holds what it reported since it was opened: (method, parameters)."""

    def __init__(self, commands: int, replies: int) -> None:
        self._commands, self._replies = commands, replies
        self._rest, self._count, self._session = b"", 0, ""
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and wait for its answer."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._count:
                assert "error" not in reply, reply
                return reply["result"]
            self.events.append((reply["method"], reply["params"]))

    def _read(self, seconds: float = 30) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._replies], [], [], seconds)[0], "the browser fell silent"
            chunk = os.read(self._replies, 1 << 20)
            assert chunk, "the browser went away"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """The screen, in CSS pixels, and the reader's colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])

    def open(self, page: Path, fragment: str = "") -> None:
        """Load a file and wait until it is whole."""
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri() + fragment)
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            reply = self._read()
            self.events.append((reply["method"], reply["params"]))

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        reply = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    def picture(self, **clip: float) -> bytes:
        """A PNG of what is on the screen, or of a part of the page."""
        more = {"clip": {"scale": 1, **clip}, "captureBeyondViewport": True} if clip else {}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **more)["data"])

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, and what was thrown."""
        return [
            json.dumps(parameters)
            for method, parameters in self.events
            if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        ]

    def requests(self) -> list[str]:
        """Addresses that the page asked for."""
        asked = (p for method, p in self.events if method == "Network.requestWillBeSent")
        return [parameters["request"]["url"] for parameters in asked]


@contextmanager
def browser(flags: Sequence[str] = ()) -> Iterator[Tab]:
    """A tab of a browser that ends with the block."""
    path = binary()
    assert path is not None
    # The protocol speaks on descriptors 3 and 4; a shell moves our two pipes there.
    shell = ["sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null', "sh"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [*shell, path, *_FLAGS, *flags, f"--user-data-dir={profile}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin, process.stdout:
            try:
                yield Tab(process.stdin.fileno(), process.stdout.fileno())
            finally:
                process.terminate()
                process.wait(20)
