"""What the walk asks of any browser that is driven by WebDriver's commands, whatever carries them."""

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
CONTROL = "\ue009"


class Engine(ABC):
    """A browser with one page. A subclass sends the commands; elements are named by the browser's own references."""

    @abstractmethod
    def __init__(self, folder: Path) -> None: ...

    @abstractmethod
    def go(self, url: str) -> None: ...

    @abstractmethod
    def back(self) -> None: ...

    @abstractmethod
    def _found(self, using: str, value: str) -> str: ...

    @abstractmethod
    def _perform(self, actions: list[dict[str, Any]]) -> None: ...

    @abstractmethod
    def click(self, element: str) -> None: ...

    @abstractmethod
    def type(self, what: str, text: str) -> None: ...

    @abstractmethod
    def choose_file(self, what: str, file: Path) -> None: ...

    @abstractmethod
    def run(self, script: str, *arguments: Any) -> Any: ...

    @abstractmethod
    def stop(self) -> None: ...

    def find(self, what: str) -> str:
        """An element by a CSS selector; waited for."""
        return self._found("css selector", what)

    def button(self, text: str) -> str:
        # The first button of a form is hidden: it is what Enter presses.
        path = f"//*[self::button[not(@class='first')] or self::a][starts-with(normalize-space(.), '{text}')]"
        return self._found("xpath", path)

    def keys(self, *pressed: str) -> None:
        """Press keys together, the last one first let go."""
        actions = [{"type": "keyDown", "value": key} for key in pressed]
        actions += [{"type": "keyUp", "value": key} for key in reversed(pressed)]
        self._perform([{"type": "key", "id": "keyboard", "actions": actions}])

    def text(self, what: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", what))

    def value(self, what: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.value ?? ''", what))

    def until(self, script: str, *arguments: Any, seconds: float = 20) -> None:
        """Wait for an expression of the page to hold."""
        until = time.monotonic() + seconds
        while not self.run(f"return !!({script})", *arguments):
            assert time.monotonic() < until, script
            time.sleep(0.1)
