"""`python -m services.applications serve|relay|migrate|seed|reconcile|keys|rotate|retention|audit-verify|preflight`."""

import argparse
import asyncio
from pathlib import Path

from services.applications.settings import ApplicationsSettings
from shared.observability import logs, tracing
from shared.settings import load, private_files


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.applications")
    parser.add_argument(
        "command",
        choices=[
            "serve",
            "relay",
            "migrate",
            "seed",
            "reconcile",
            "keys",
            "rotate",
            "retention",
            "audit-verify",
            "preflight",
        ],
    )
    parser.add_argument("--carry-out", action="store_true", help="retention: delete what it shows")
    parser.add_argument("--head", action="append", default=[], help="audit-verify: a head noted before")
    parser.add_argument(
        "--accept", metavar="REASON", help="audit-verify: a chain that a restore made shorter counts"
    )
    parser.add_argument("--json", action="store_true", help="preflight: for programs instead of for people")
    given = parser.parse_args()
    private_files()
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
            run_app(create_app(settings), settings.applications_host, settings.applications_port)
        case "relay":
            from services.applications.operations import relay

            asyncio.run(relay.run(settings))
        case "migrate":
            from services.applications.tables.applications import SCHEMA
            from shared.database import migrate

            migrate(settings, Path(__file__).parent / "migrations", SCHEMA)
        case "preflight":
            from services.applications.operations.preflight import findings
            from shared.preflight import tell

            raise SystemExit(tell(findings(settings), as_json=given.json))
        case "seed":
            asyncio.run(_seed(settings))
        case "keys":
            _print_keys(settings)
        case "rotate":
            asyncio.run(_rotate(settings))
        case "audit-verify":
            raise SystemExit(asyncio.run(_verify_audit(settings, given.head, given.accept)))
        case "retention":
            asyncio.run(_retention(settings, carry_out=given.carry_out))
        case "reconcile":
            raise SystemExit(asyncio.run(_reconcile(settings)))


def _print_keys(settings: ApplicationsSettings) -> None:
    """The public keys that still count, the one in use first, as `GM_RECEIPT_RETIRED_KEYS` takes them."""
    import base64

    from services.applications.submission.verify import public_keys

    print(",".join(base64.urlsafe_b64encode(key).decode().rstrip("=") for key in public_keys(settings)))


async def _seed(settings: ApplicationsSettings) -> None:
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.rounds.seed import seed
    from shared.database import async_engine

    engine = async_engine(settings)
    async with async_sessionmaker(engine).begin() as session:
        count = await seed(session)
    await engine.dispose()
    print(f"{count} demo rounds")


async def _rotate(settings: ApplicationsSettings) -> None:
    """Wrap every application's key by the newest master key, a batch a transaction."""
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.core.codec import Codec
    from services.applications.operations import retention
    from shared.database import async_engine

    engine, total = async_engine(settings), 0
    while True:
        async with async_sessionmaker(engine).begin() as session:
            changed = await retention.rotate(session, Codec(*settings.master_keys))
        total += changed
        if changed < retention.BATCH:
            break
    await engine.dispose()
    print(f"{total} keys wrapped anew; GM_MASTER_RETIRED_KEYS can be emptied")


async def _verify_audit(settings: ApplicationsSettings, noted: list[str], accepted: str | None) -> int:
    """Walk the audit's chain; 0 when every link and every anchor holds, else the first that does not is named."""
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.operations.audit_heads import StoreHeads
    from services.applications.tables.applications import AUDIT
    from shared.audit import heads
    from shared.database import async_engine
    from shared.store import Store

    engine, kept = async_engine(settings), StoreHeads(Store.from_url(settings.store_url))
    async with async_sessionmaker(engine).begin() as session:
        if accepted:
            await heads.accept(session, AUDIT, settings.audit_key, kept, accepted)
        verdict = await heads.verify(session, AUDIT, settings.audit_key, kept, noted)
    await engine.dispose()
    print(f"{verdict.links} links hold, head {verdict.head}")
    if verdict.fault:
        print(verdict.fault)
    return 1 if verdict.fault else 0


async def _retention(settings: ApplicationsSettings, *, carry_out: bool) -> None:
    """Show what has been kept long enough; delete it when told to."""
    from aiohttp import ClientSession
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.core import peers
    from services.applications.core.context import Peers
    from services.applications.operations import retention
    from shared.database import async_engine
    from shared.errors import Unavailable
    from shared.identity import Signer

    engine = async_engine(settings)
    async with ClientSession() as http, async_sessionmaker(engine).begin() as session:
        found = await retention.due(session, settings)
        for one in found:
            print(f"{one.reason}: {len(one.applications)}")
            for a in one.applications:
                print(f"  {a.id}  {a.number or '-'}  {a.created_at:%Y-%m-%d}")
        if carry_out and any(one.applications for one in found):
            # The others first: what is forgotten here is not found again to be forgotten there.
            notify = Peers(
                http,
                Signer("applications", settings.signing_key),
                str(settings.gateway_url),
                str(settings.notify_url),
            )
            try:
                await peers.forget(notify, [a.id for one in found for a in one.applications])
            except Unavailable as away:
                raise SystemExit(away.detail) from None
        count = await retention.forget(session, found) if carry_out else None
    await engine.dispose()
    print(
        "nothing was deleted; --carry-out does it"
        if count is None
        else f"{count} applications forgotten; their files go with the relay's next sweep"
    )


async def _reconcile(settings: ApplicationsSettings) -> int:
    """Print the report; 0 when everything that was accepted has its revision, PDF and mail."""
    import sys

    from aiohttp import ClientSession
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.core.context import Peers
    from services.applications.core.peers import deliveries
    from services.applications.operations.reconcile import reconcile
    from shared.database import async_engine
    from shared.identity import Signer
    from shared.store import Store

    engine = async_engine(settings)
    signer = Signer("applications", settings.signing_key)
    async with ClientSession() as http:
        sent = await deliveries(Peers(http, signer, str(settings.gateway_url), str(settings.notify_url)))
    async with async_sessionmaker(engine).begin() as session:
        report = await reconcile(session, Store.from_url(settings.store_url), sent)
    await engine.dispose()
    # The office's words, whatever the terminal's encoding.
    sys.stdout.buffer.write(report.json().encode() + b"\n")
    return 0 if report.clean else 1


if __name__ == "__main__":
    main()
