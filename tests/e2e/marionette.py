"""Drive Debian's Firefox by the agent that it brings (Marionette): the commands of WebDriver over a socket."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.e2e.engine import ELEMENT, Engine

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox(Engine):
    """A Firefox without a window, with a profile of its own; Chinese, as its readers'."""

    def __init__(self, folder: Path) -> None:
        assert FIREFOX
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        profile = folder / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(
            f'user_pref("marionette.port", {port});\nuser_pref("intl.accept_languages", "zh-CN");\n'
            'user_pref("browser.shell.checkDefaultBrowser", false);\nuser_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
        )
        self._log = (folder / "firefox.log").open("wb")
        self._process = subprocess.Popen(
            [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
            stdout=self._log, stderr=self._log, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "MOZ_HEADLESS": "1"},
        )  # fmt: skip
        self._socket = self._connected(port, 60)
        self._number = 0
        self._buffer = b""
        self._receive()
        self("NewSession", capabilities={"alwaysMatch": {"timeouts": {"implicit": 10_000, "pageLoad": 60_000}}})

    def _connected(self, port: int, seconds: float) -> socket.socket:
        until = time.monotonic() + seconds
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=90)
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError("Firefox does not answer") from None
                time.sleep(0.2)

    def _receive(self) -> Any:
        while b":" not in self._buffer:
            self._more()
        length, _, rest = self._buffer.partition(b":")
        while len(rest) < int(length):
            self._buffer = rest
            self._more()
            rest = self._buffer
        self._buffer = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def _more(self) -> None:
        more = self._socket.recv(65536)
        assert more, "Firefox has gone"
        self._buffer += more

    def __call__(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        said = json.dumps([0, self._number, f"WebDriver:{command}", parameters]).encode()
        self._socket.sendall(f"{len(said)}:".encode() + said)
        _, number, error, answer = self._receive()
        assert number == self._number
        assert error is None, error
        return answer.get("value", answer) if isinstance(answer, dict) else answer

    def go(self, url: str) -> None:
        self("Navigate", url=url)

    def back(self) -> None:
        self("Back")

    def _found(self, using: str, value: str) -> str:
        return str(self("FindElement", using=using, value=value)[ELEMENT])

    def click(self, element: str) -> None:
        self("ElementClick", id=element)

    def type(self, what: str, text: str) -> None:
        """Replace what stands in a control, key by key."""
        element = self.find(what)
        self("ElementClear", id=element)
        self("ElementSendKeys", id=element, text=text)

    def choose_file(self, what: str, file: Path) -> None:
        self("ElementSendKeys", id=self.find(what), text=str(file))

    def _perform(self, actions: list[dict[str, Any]]) -> None:
        self("PerformActions", actions=actions)

    def run(self, script: str, *arguments: Any) -> Any:
        return self("ExecuteScript", script=script, args=list(arguments))

    def stop(self) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
