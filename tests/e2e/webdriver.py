"""Drive Debian's WebKitGTK by its own driver (webkit2gtk-driver): WebDriver over HTTP, on a display of its own (Xvfb)."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.e2e.engine import ELEMENT, Engine

DRIVER, DISPLAY = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
# The small browser that comes with the library; the newest where there are several.
BROWSER = max(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), default=None)


class WebKit(Engine):
    """A browser of WebKitGTK in a window that nobody sees."""

    def __init__(self, folder: Path) -> None:
        assert DRIVER
        assert DISPLAY
        assert BROWSER
        self._log = (folder / "webkit.log").open("wb")
        read, write = os.pipe()
        # Xvfb takes a free number and tells it.
        self._display = subprocess.Popen(
            [DISPLAY, "-displayfd", str(write), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"],
            pass_fds=[write], stdout=self._log, stderr=self._log,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._driver = subprocess.Popen(
            [DRIVER, f"--port={port}"], stdout=self._log, stderr=self._log,
            env={
                "HOME": str(folder), "PATH": "/usr/bin:/bin", "DISPLAY": f":{number}", "GDK_BACKEND": "x11", "LANG": "C.UTF-8",
                # No graphics card, and nothing that a sandbox would keep from a machine that is thrown away.
                "WEBKIT_DISABLE_COMPOSITING_MODE": "1", "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            },
        )  # fmt: skip
        options = {"binary": str(BROWSER), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options, "timeouts": {"implicit": 10_000}}}
        self._session = ""
        self._session = f"/session/{self._begun(wanted)['sessionId']}"

    def _begun(self, wanted: dict[str, Any]) -> Any:
        until = time.monotonic() + 60
        while True:
            try:
                return self("POST", "/session", capabilities=wanted)
            except urllib.error.URLError:
                assert time.monotonic() < until, "WebKitWebDriver does not answer"
                time.sleep(0.2)

    def __call__(self, method: str, path: str, **said: Any) -> Any:
        body = json.dumps(said).encode() if method == "POST" else None
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + self._session + path, data=body, method=method, headers=kind)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def go(self, url: str) -> None:
        self("POST", "/url", url=url)

    def back(self) -> None:
        self("POST", "/back")

    def _found(self, using: str, value: str) -> str:
        return str(self("POST", "/element", using=using, value=value)[ELEMENT])

    def click(self, element: str) -> None:
        self("POST", f"/element/{element}/click")

    def type(self, what: str, text: str) -> None:
        """Replace what stands in a control, key by key."""
        element = self.find(what)
        self("POST", f"/element/{element}/clear")
        self("POST", f"/element/{element}/value", text=text)

    def choose_file(self, what: str, file: Path) -> None:
        self("POST", f"/element/{self.find(what)}/value", text=str(file))

    def _perform(self, actions: list[dict[str, Any]]) -> None:
        self("POST", "/actions", actions=actions)

    def run(self, script: str, *arguments: Any) -> Any:
        return self("POST", "/execute/sync", script=script, args=list(arguments))

    def stop(self) -> None:
        try:
            self("DELETE", "")
        finally:
            for process in (self._driver, self._display):
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._log.close()
