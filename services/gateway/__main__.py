"""`python -m services.gateway serve|migrate|seed|staff`."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway import staff
from services.gateway.settings import GatewaySettings
from shared import logs
from shared.errors import DomainError
from shared.settings import load

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.gateway")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "migrate", "seed"):
        commands.add_parser(name)
    staff.arguments(commands.add_parser("staff", help="who works here"))
    given = parser.parse_args()
    settings = load(GatewaySettings)
    logs.configure("gateway", settings.log_level)
    match given.command:
        case "serve":
            from services.gateway.app import create_app
            from shared.web import run_app

            run_app(create_app(settings), settings.gateway_host, settings.gateway_port)
        case "migrate":
            _migrate(settings)
        case "seed":
            _seed(settings)
        case "staff":
            print(_in_transaction(settings, lambda session: staff.run(session, given)))


def _migrate(settings: GatewaySettings) -> None:
    from services.gateway.models import SCHEMA
    from services.gateway.stub_idp.models import SCHEMA as STUB_SCHEMA
    from shared.database import migrate

    here = Path(__file__).parent
    migrate(settings, here / "migrations", SCHEMA)
    if settings.stub_idp:
        migrate(settings, here / "stub_idp" / "migrations", STUB_SCHEMA)


def _seed(settings: GatewaySettings) -> None:
    from services.gateway.stub_idp.certificates import make_demo_certificates
    from services.gateway.stub_idp.people import seed

    if not settings.stub_idp:
        raise SystemExit("seed fills the stub identity platform, which is switched off (GM_STUB_IDP)")
    print(f"{_in_transaction(settings, seed)} demo accounts")
    if settings.stub_ca_file:
        make_demo_certificates(Path(settings.stub_ca_file))


def _in_transaction(settings: GatewaySettings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """One transaction's work; a refusal is one line and exit code 1."""
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from shared.database import async_engine

    async def run() -> T:
        engine = async_engine(settings)
        try:
            async with async_sessionmaker(engine).begin() as session:
                return await work(session)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(run())
    except DomainError as refused:
        raise SystemExit(refused.detail) from None


if __name__ == "__main__":
    main()
