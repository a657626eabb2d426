"""A documents worker that is killed in a phase of its work: `python -m tests.faults.dying_worker phase child|children|group folder`.

It is the product's own worker; only the step named ends in SIGKILL, once, of the child that does it or of the whole
group; or each time, of every child (`children`). In
`folder` it leaves `died` once it has, and a line in `rendered` for each document that it rendered.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.documents import libraries, tasks, worker
from services.documents.settings import DocumentsSettings
from shared.jobs import Jobs
from shared.observability import logs
from shared.settings import load
from shared.store import Store

# Where in the step death comes: before it, in its midst (after so many seconds), or when it is done.
PHASES: dict[str, tuple[Any, str, float | str]] = {
    "fetching": (Jobs, "document_model", "before"),
    "rendering": (tasks, "render", 0.05),
    "storing": (Store, "put", 0.0),
    "stored": (Store, "put", "after"),
    "recording": (Jobs, "finish", "before"),
    "recorded": (Jobs, "finish", "after"),
}


def main() -> None:
    phase, whom, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])

    def die() -> None:
        try:
            (folder / "died").touch(exist_ok=whom == "children")
        except FileExistsError:
            return
        if whom == "group":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def dying(step: Callable[..., Any], when: float | str) -> Callable[..., Any]:
        def played(*arguments: Any, **options: Any) -> Any:
            if when == "before":
                die()
            elif when != "after":
                threading.Timer(float(when), die).start()
            done = step(*arguments, **options)
            if when == "after":
                die()
            return done

        return played

    rendering = tasks.render

    def counted(*arguments: Any, **options: Any) -> Any:
        done = rendering(*arguments, **options)
        with (folder / "rendered").open("a") as file:
            file.write("one\n")
        return done

    tasks.render = counted
    owner, name, when = PHASES[phase]
    setattr(owner, name, dying(getattr(owner, name), when))
    settings = load(DocumentsSettings)
    logs.configure("documents", settings.log_level)
    libraries.require()
    worker.run(settings)


if __name__ == "__main__":
    main()
