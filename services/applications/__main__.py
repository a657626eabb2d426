"""`python -m services.applications serve|relay|migrate|seed|reconcile|keys`."""

import argparse
import asyncio
from pathlib import Path

from services.applications.settings import ApplicationsSettings
from shared import logs
from shared.settings import load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.applications")
    parser.add_argument("command", choices=["serve", "relay", "migrate", "seed", "reconcile", "keys"])
    command = parser.parse_args().command
    settings = load(ApplicationsSettings)
    if settings.forms_folder:
        from services.applications.forms import catalogue

        catalogue.also(Path(settings.forms_folder))
    logs.configure("relay" if command == "relay" else "applications", settings.log_level)
    match command:
        case "serve":
            from services.applications.app import create_app
            from shared.web import run_app

            run_app(create_app(settings), settings.applications_host, settings.applications_port)
        case "relay":
            from services.applications import relay

            asyncio.run(relay.run(settings))
        case "migrate":
            from services.applications.models import SCHEMA
            from shared.database import migrate

            migrate(settings, Path(__file__).parent / "migrations", SCHEMA)
        case "seed":
            asyncio.run(_seed(settings))
        case "keys":
            _print_keys(settings)
        case "reconcile":
            raise SystemExit(asyncio.run(_reconcile(settings)))


def _print_keys(settings: ApplicationsSettings) -> None:
    """The public keys that still count, the one in use first, as `GM_RECEIPT_RETIRED_KEYS` takes them."""
    import base64

    from services.applications.use_cases.verify import public_keys

    print(",".join(base64.urlsafe_b64encode(key).decode().rstrip("=") for key in public_keys(settings)))


async def _seed(settings: ApplicationsSettings) -> None:
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.seed import seed
    from shared.database import async_engine

    engine = async_engine(settings)
    async with async_sessionmaker(engine).begin() as session:
        count = await seed(session)
    await engine.dispose()
    print(f"{count} demo rounds")


async def _reconcile(settings: ApplicationsSettings) -> int:
    """Print the report; 0 when everything that was accepted has its revision, PDF and mail."""
    import sys

    from aiohttp import ClientSession
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.applications.context import Peers
    from services.applications.peers import deliveries
    from services.applications.reconcile import reconcile
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
