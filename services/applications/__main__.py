"""`python -m services.applications serve|relay|migrate|seed|reconcile|plan|keys|rotate|retention|audit-verify|preflight`."""

import asyncio
import base64
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientSession
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import peers
from services.applications.core.context import Peers
from services.applications.settings import ApplicationsSettings
from shared import commands
from shared.database import in_transaction, migrate
from shared.errors import Unavailable
from shared.identity import Signer
from shared.observability import logs, tracing
from shared.settings import load, private_files
from shared.store import Store

if TYPE_CHECKING:
    from services.applications.operations.reconcile import Report


def main() -> None:
    private_files()
    given = commands.read(
        "applications", "serve", "relay", "migrate", "seed", "reconcile", "keys", "rotate", plan=_plan_arguments,
        retention=commands.retention, statistics=_statistics_arguments, audit_verify=commands.audit_verify, preflight=commands.preflight,
    )  # fmt: skip
    settings = load(ApplicationsSettings)
    if settings.forms_folder:
        from services.applications.forms import catalogue

        catalogue.also(Path(settings.forms_folder))
    logs.configure("relay" if given.command == "relay" else "applications", settings.log_level)
    match given.command:
        case "serve":
            from services.applications.app import create_app
            from shared.http.server import run_app

            tracing.configure("applications", settings.traces_url, settings.traces_share)
            run_app(create_app(settings), settings.applications_host, settings.applications_port, settings)
        case "relay":
            from services.applications.operations import relay

            asyncio.run(relay.run(settings))
        case "migrate":
            from services.applications.tables.applications import SCHEMA

            migrate(settings, Path(__file__).parent / "migrations", SCHEMA)
        case "preflight":
            from services.applications.operations.preflight import findings
            from shared.preflight import tell

            raise SystemExit(tell(findings(settings), as_json=given.json))
        case "seed":
            asyncio.run(_seed(settings))
        case "plan":
            asyncio.run(_plan(settings, kubectl=given.kubectl))
        case "keys":
            _print_keys(settings)
        case "rotate":
            commands.end(asyncio.run(_rotate(settings)))
        case "audit-verify":
            commands.end(asyncio.run(_verify_audit(settings, given.head, given.accept)))
        case "retention":
            commands.end(asyncio.run(_retention(settings, carry_out=given.carry_out)))
        case "reconcile" | "statistics" as which:
            compared = (
                _reconcile(settings) if which == "reconcile" else _statistics(settings, rebuild=given.rebuild)
            )
            commands.end(asyncio.run(compared))


def _print_keys(settings: ApplicationsSettings) -> None:
    """The public keys that still count, the one in use first, as `GM_RECEIPT_RETIRED_KEYS` takes them."""
    from services.applications.submission.verify import public_keys

    print(",".join(base64.urlsafe_b64encode(key).decode().rstrip("=") for key in public_keys(settings)))


def _plan_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--kubectl", action="store_true", help="the commands for an operator's scheduler")


async def _plan(settings: ApplicationsSettings, *, kubectl: bool) -> None:
    """Print how many of each process should run in the coming days."""
    from services.applications.operations import workers_ahead

    found = await in_transaction(settings, workers_ahead.planned)
    for line in workers_ahead.kubectl(found) if kubectl else workers_ahead.lines(found):
        sys.stdout.buffer.write(line.encode() + b"\n")


async def _seed(settings: ApplicationsSettings) -> None:
    from services.applications.rounds.seed import seed

    print(f"{await in_transaction(settings, seed)} demo rounds")


async def _rotate(settings: ApplicationsSettings) -> None:
    """Wrap every application's key by the newest master key, a batch a transaction."""
    from services.applications.core.codec import Codec
    from services.applications.operations.retention import BATCH, rotate

    total, changed = 0, BATCH
    while changed == BATCH:
        changed = await in_transaction(settings, lambda session: rotate(session, Codec(*settings.master_keys)))
        total += changed
    print(f"{total} keys wrapped anew; GM_MASTER_RETIRED_KEYS can be emptied")


async def _verify_audit(settings: ApplicationsSettings, noted: list[str], accepted: str | None) -> int:
    """Walk the audit's chain; 0 when every link and every anchor holds, else the first that does not is named."""
    from services.applications.operations.audit_heads import StoreHeads
    from services.applications.tables.applications import AUDIT
    from shared.audit import heads

    kept = StoreHeads(Store.from_url(settings.store_url))
    return await in_transaction(
        settings, lambda session: heads.report(session, AUDIT, settings.audit_key, kept, noted, accepted)
    )


async def _retention(settings: ApplicationsSettings, *, carry_out: bool) -> None:
    """Show what has been kept long enough; delete it when told to."""
    from services.applications.operations import retention

    async def work(session: AsyncSession) -> int | None:
        found = await retention.due(session, settings)
        for one in found:
            print(f"{one.reason}: {len(one.applications)}")
            for a in one.applications:
                print(f"  {a.id}  {a.number or '-'}  {a.created_at:%Y-%m-%d}")
        if carry_out and any(one.applications for one in found):
            # The others first: what is forgotten here is not found again to be forgotten there.
            try:
                async with ClientSession() as http:
                    await peers.forget(_peers(settings, http), [a.id for one in found for a in one.applications])
            except Unavailable as away:
                raise SystemExit(away.detail) from None
        return await retention.forget(session, found) if carry_out else None

    count = await in_transaction(settings, work)
    print(
        "nothing was deleted; --carry-out does it"
        if count is None
        else f"{count} applications forgotten; their files go with the relay's next sweep"
    )


def _statistics_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rebuild", action="store_true", help="count every case anew")


async def _statistics(settings: ApplicationsSettings, *, rebuild: bool) -> int:
    """Compare the sums of 统计 with a count of all cases; 0 when they agree, else each difference is named."""
    from services.applications.statistics import sums

    if rebuild:
        await in_transaction(settings, sums.rebuild)
        while await in_transaction(settings, sums.step):
            pass
    found = await in_transaction(settings, sums.differences)
    for line in found:
        sys.stdout.buffer.write(line.encode() + b"\n")
    print(f"{len(found)} differences")
    return 1 if found else 0


async def report(settings: ApplicationsSettings) -> "Report":
    """Compare what was accepted with what came of it."""
    from services.applications.operations.reconcile import reconcile

    store = Store.from_url(settings.store_url)
    async with ClientSession() as http:
        reach = _peers(settings, http)
        return await in_transaction(
            settings, lambda session: reconcile(session, store, lambda: peers.deliveries(reach))
        )


async def _reconcile(settings: ApplicationsSettings) -> int:
    """Print the report; 0 when everything that was accepted has its revision, PDF and mail."""
    found = await report(settings)
    # The office's words, whatever the terminal's encoding.
    sys.stdout.buffer.write(found.json().encode() + b"\n")
    return 0 if found.clean else 1


def _peers(settings: ApplicationsSettings, http: ClientSession) -> Peers:
    signer = Signer("applications", settings.signing_key)
    return Peers(http, signer, str(settings.gateway_url), str(settings.notify_url))


if __name__ == "__main__":
    main()
