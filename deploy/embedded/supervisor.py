"""Keep processes running: each restarted alone, with a pause that grows while it keeps failing."""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.errors import CannotRun, reason

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# A process that lived this long has recovered: its next restart is immediate again.
HEALTHY_AFTER = 30.0
LOG_LIMIT = 20 * 1024 * 1024
PR_SET_PDEATHSIG = 1
# How nice whoever yields is, and where that is said of its session.
YIELDING = 5
AUTOGROUP, AUTOGROUP_TRIES = "/proc/self/autogroup", 3
_LIBC = ctypes.CDLL(None)

Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Spec:
    """One process: how it is started, when it is ready, how it is told to stop. `yields`: it leaves the processors to the
    others while these want them (nice 5, about a third of their share)."""

    name: str
    command: list[str]
    env: dict[str, str]
    ready: Ready
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 25.0
    yields: bool = False
    options: dict[str, object] = field(default_factory=dict)


class Supervised:
    """A spec and its present process."""

    def __init__(self, spec: Spec, log: Path, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.log = log
        self.restarts = 0
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        # Set while the process is gone before it ever became ready.
        self.first_exit: int | None = None

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping:
            began = time.monotonic()
            await self._spawn()
            assert self._process is not None
            self._changed()
            code = await self._process.wait()
            self.first_exit = code if self.restarts == 0 else self.first_exit
            if self._stopping:
                return
            # What a dead worker left behind (the children of its pool) would go on without it.
            _kill_group(self._process.pid)
            self.restarts += 1
            if time.monotonic() - began > HEALTHY_AFTER:
                pause = FIRST_PAUSE
            self._note(f"ended with {code}; restarting in {pause:.1f} s")
            self._changed()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _spawn(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.spec.env,
                # A group of its own: Ctrl-C reaches us alone, and we stop everything in order.
                start_new_session=True,
                preexec_fn=_before_it_begins(self.spec),
                **self.spec.options,  # type: ignore[arg-type]
            )

    def _note(self, text: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"-- supervisor: {self.spec.name} {text}\n")

    async def until_ready(self, seconds: float) -> None:
        """Wait for the spec's own sign; `CannotRun` with the end of the log when it does not come."""
        until = time.monotonic() + seconds
        while not await self.spec.ready():
            if self.first_exit is not None:
                raise CannotRun(f"{self.spec.name} ended with {self.first_exit}: {self.last_line()}")
            if time.monotonic() > until:
                raise CannotRun(f"{self.spec.name} is not ready after {seconds:.0f} s: {self.last_line()}")
            await asyncio.sleep(0.05)

    def last_line(self) -> str:
        """Return why the process ended, from its last words, without the supervisor's."""
        return reason(self.log.read_text(encoding="utf-8", errors="replace"), self.log)

    async def stop(self) -> None:
        """Ask, wait, insist."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.spec.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), self.spec.stop_seconds)
            except TimeoutError:
                self._note("did not stop in time; killed")
        if process is not None:
            _kill_group(process.pid)
            await process.wait()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _before_it_begins(spec: Spec) -> Callable[[], None]:
    """In the child, before it becomes the program: when we are killed, it is told to stop; and how much of the
    machine is its own."""

    def ask() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(spec.stop_signal))
        if spec.yields:
            _yield()

    return ask


def _yield() -> None:
    """Leave the processors to others. Where Linux shares them among sessions first (autogroup), `nice` counts within a session alone, and
    each of our processes has its own: so that is said of the session, too, where there is such a thing."""
    os.nice(YIELDING)
    for _ in range(AUTOGROUP_TRIES):
        try:
            group = os.open(AUTOGROUP, os.O_WRONLY)
        except OSError:
            return
        try:
            os.write(group, b"%d" % YIELDING)
            return
        except BlockingIOError:
            # Ten times a second for all users together.
            time.sleep(0.11)
        except OSError:
            return
        finally:
            os.close(group)


class Supervisor:
    """All processes of the system."""

    def __init__(self, logs: Path, changed: Callable[[], None]) -> None:
        self._logs = logs
        self._changed = changed
        self.processes: dict[str, Supervised] = {}

    def start(self, spec: Spec) -> Supervised:
        process = Supervised(spec, self._logs / f"{spec.name}.log", self._changed)
        # Only this start's words explain this start's failure.
        if process.log.exists():
            process.log.replace(process.log.with_suffix(".old.log"))
        self.processes[spec.name] = process
        process.start()
        return process

    async def stop(self, names: list[str]) -> None:
        """Stop these together."""
        await asyncio.gather(*(self.processes[name].stop() for name in names if name in self.processes))
