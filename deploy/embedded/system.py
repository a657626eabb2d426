"""Start the whole system on one machine: servers, migrations, demo data, services, in the order they need."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import redis

from deploy.embedded import valkey
from deploy.embedded.errors import CannotRun, reason
from deploy.embedded.plan import DATABASE, Plan
from deploy.embedded.ports import HOST, must_be_free
from deploy.embedded.postgres import Postgres
from deploy.embedded.supervisor import Ready, Spec, Supervisor

ROOT = Path(__file__).resolve().parents[2]
# What may run several times, and how often it does unless told otherwise.
COUNTS = {"gateway": 1, "applications": 1, "relay": 1, "documents": 1, "notify-worker": 1, "synthetic": 0}
READY_SECONDS = 90.0

Say = Callable[[str], None]


class System:
    """Starts, describes and stops everything."""

    def __init__(self, plan: Plan, counts: Mapping[str, int], say: Say) -> None:
        self._plan = plan
        self._counts = {**COUNTS, **counts}
        self._say = say
        self._ready = False
        self._environments: dict[str, dict[str, str]] = {}
        self._run_file = plan.var / "run.json"
        self.supervisor = Supervisor(plan.var / "log", self.describe)
        self._servers: list[str] = []
        self._services: list[str] = []

    async def start(self) -> None:
        """Until everything is ready; `CannotRun` says what keeps it."""
        plan = self._plan
        must_be_free(plan.own_ports())
        (plan.var / "ready").mkdir(exist_ok=True)
        for left in (plan.var / "ready").iterdir():
            left.unlink()
        database_url, owner_url = await self._start_servers()
        self._environments = plan.environments(database_url)
        self._say("migrating the databases, putting demo accounts and rounds in")
        # The owner's address is for migrations alone.
        await self._prepare({"GM_MIGRATION_DATABASE_URL": owner_url} if owner_url else {})
        await self._start_services()
        self._ready = True
        self.describe()

    async def _start_servers(self) -> tuple[str, str]:
        """Start them; where services find the database, and where `migrate` does if that differs."""
        plan = self._plan
        url = plan.given.get("GM_DATABASE_URL", "")
        owner_url = plan.given.get("GM_MIGRATION_DATABASE_URL", "")
        starting: list[Coroutine[None, None, None]] = []
        if plan.embeds("GM_DATABASE_URL"):
            self._say("PostgreSQL")
            postgres = Postgres(
                plan.var / "postgres", plan.ports["GM_POSTGRES_PORT"], plan.secrets.database_password
            )
            starting.append(self._database(postgres))
            owner_url = postgres.url(DATABASE)
            url = postgres.service_url(DATABASE, plan.secrets.service_database_password)
        if plan.embeds_valkey:
            self._say("Valkey")
            starting.append(self._server(_valkey(plan)))
        if plan.embeds("GM_SMTP_URL"):
            self._say("mail sink")
            starting.append(self._server(self._mail_sink()))
        try:
            async with asyncio.TaskGroup() as together:
                for server in starting:
                    together.create_task(server)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return url, owner_url

    async def _database(self, postgres: Postgres) -> None:
        await asyncio.to_thread(postgres.prepare)
        await self._server(_postgres(postgres))
        await asyncio.to_thread(postgres.create_database, DATABASE)

    async def _server(self, spec: Spec) -> None:
        self._servers.append(spec.name)
        await self.supervisor.start(spec).until_ready(READY_SECONDS)

    async def _start_services(self) -> None:
        self._say("services")
        specs = [
            *self._http("gateway", "GM_GATEWAY_PORT"),
            *self._http("applications", "GM_APPLICATIONS_PORT"),
            *self._http("notify", "GM_NOTIFY_PORT"),
            *self._workers("relay", "applications", "relay"),
            *self._workers("documents", "documents", "worker"),
            *self._workers("notify-worker", "notify", "worker"),
            *self._workers("synthetic", "gateway", "synthetic"),
        ]
        self._services = [spec.name for spec in specs]
        started = [self.supervisor.start(spec) for spec in specs]
        await asyncio.gather(*(process.until_ready(READY_SECONDS) for process in started))

    def _http(self, service: str, port: str) -> list[Spec]:
        """Return the processes of a service that answers requests; several share its port."""
        count = self._counts.get(service, 1)
        command = [sys.executable, "-m", f"services.{service}", "serve"]
        environment = self._environments[service]
        options: dict[str, object] = {"cwd": ROOT}
        if count == 1:
            ready = _answers(self._plan.ports[port], "/readyz")
            return [Spec(service, command, environment, ready, options=options)]
        specs = []
        for n in range(1, count + 1):
            file = self._plan.var / "ready" / f"{service}-{n}"
            own = {**environment, "GM_REUSE_PORT": "true", "GM_READY_FILE": str(file)}
            specs.append(Spec(file.name, command, own, _exists(file), options=options))
        return specs

    def _workers(self, name: str, service: str, command: str) -> list[Spec]:
        count = self._counts[name]
        specs = []
        for n in range(1, count + 1):
            own = name if count == 1 else f"{name}-{n}"
            file = self._plan.var / "ready" / own
            specs.append(
                Spec(
                    own,
                    [sys.executable, "-m", f"services.{service}", command],
                    {**self._environments[service], "GM_READY_FILE": str(file)},
                    _exists(file),
                    options={"cwd": ROOT},
                    # PDFs and mails cost as much as the submissions that owe them and are nobody's deadline: who saves and submits goes
                    # first.
                    yields=service in {"documents", "notify"},
                )
            )
        return specs

    def _mail_sink(self) -> Spec:
        plan = self._plan
        command = [
            sys.executable, "-m", "deploy.mail_sink", "--folder", str(plan.var / "mail"),
            "--smtp-port", str(plan.ports["GM_MAIL_PORT"]), "--page-port", str(plan.ports["GM_MAIL_PAGE_PORT"]),
        ]  # fmt: skip
        ready = _answers(plan.ports["GM_MAIL_PAGE_PORT"], "/messages.json")
        return Spec("mail", command, dict(os.environ), ready, options={"cwd": ROOT})

    async def _prepare(self, owner: dict[str, str]) -> None:
        """Migrate every schema, then seed; `CannotRun` with the reason of the command that fails."""
        stub = ["gateway.stub_idp"] if self._plan.embeds_provider else []
        migrated = ["gateway", "applications", "notify", *stub]
        seeded = ["applications", *(["gateway", *stub] if stub else [])]
        commands = [(service, "migrate", owner) for service in migrated]
        commands += [(service, "seed", {}) for service in seeded]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.embedded.prepare",
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        given = [
            (service, command, {**self._environments[service.partition(".")[0]], **more})
            for service, command, more in commands
        ]
        output, _ = await process.communicate(json.dumps(given).encode())
        log = self._plan.var / "log" / "prepare.log"
        log.write_bytes(output)
        if process.returncode != 0:
            raise CannotRun(f"preparing failed: {reason(output.decode(errors='replace'), log)}")

    def describe(self) -> None:
        """Write `run.json`: what runs, where, with which settings. Readable by its owner only."""
        body = {
            "ready": self._ready,
            "pid": os.getpid(),
            "public_url": self._plan.public_url,
            "mail_page": self._plan.mail_page if self._plan.embeds("GM_SMTP_URL") else None,
            "ports": self._plan.ports,
            "processes": {
                name: {"pid": process.pid, "restarts": process.restarts}
                for name, process in self.supervisor.processes.items()
            },
            "environments": self._environments,
        }
        part = self._run_file.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(body, out, indent=1)
        part.replace(self._run_file)

    async def stop(self) -> None:
        """Services first, so that none sees its database go."""
        self._ready = False
        await self.supervisor.stop(self._services)
        await self.supervisor.stop(self._servers)
        self._run_file.unlink(missing_ok=True)


def _postgres(postgres: Postgres) -> Spec:
    async def ready() -> bool:
        return await asyncio.to_thread(postgres.ready)

    # SIGINT is its fast shutdown: open connections are ended, everything committed is kept.
    return Spec(
        "postgres", postgres.command, postgres.env(), ready, signal.SIGINT, 30, options=postgres.popen_options
    )


def _valkey(plan: Plan) -> Spec:
    port = plan.ports["GM_VALKEY_PORT"]

    async def ready() -> bool:
        def ping() -> bool:
            with redis.Redis(port=port, socket_timeout=1) as client:
                try:
                    return bool(client.ping())
                except redis.RedisError:
                    return False

        return await asyncio.to_thread(ping)

    return Spec("valkey", valkey.command(plan.var / "valkey", port), dict(os.environ), ready)


def _answers(port: int, path: str) -> Ready:
    def get() -> bool:
        # A client that knows TLS would load the system's certificates at every question.
        with closing(HTTPConnection(HOST, port, timeout=3)) as connection:
            try:
                connection.request("GET", path)
                return connection.getresponse().status == 200
            except (OSError, HTTPException):
                return False

    async def ready() -> bool:
        return await asyncio.to_thread(get)

    return ready


def _exists(file: Path) -> Ready:
    async def ready() -> bool:
        return await asyncio.to_thread(file.exists)

    return ready
