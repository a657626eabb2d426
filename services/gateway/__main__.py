"""`python -m services.gateway serve|migrate|seed|preflight`."""

import argparse
import asyncio
from pathlib import Path

from services.gateway.settings import GatewaySettings
from shared import logs, tracing
from shared.settings import load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.gateway")
    parser.add_argument("command", choices=["serve", "migrate", "seed", "preflight"])
    parser.add_argument("--json", action="store_true", help="preflight: for programs instead of for people")
    given = parser.parse_args()
    settings = load(GatewaySettings)
    logs.configure("gateway", settings.log_level)
    match given.command:
        case "serve":
            from services.gateway.app import create_app
            from shared.web import run_app

            tracing.configure("gateway", settings.traces_url, settings.traces_share)
            run_app(create_app(settings), settings.gateway_host, settings.gateway_port)
        case "migrate":
            from services.gateway.models import SCHEMA
            from shared.database import migrate

            migrate(settings, Path(__file__).parent / "migrations", SCHEMA)
            if settings.stub_idp:
                from services.gateway.stub_idp.models import SCHEMA as STUB_SCHEMA

                migrate(settings, Path(__file__).parent / "stub_idp" / "migrations", STUB_SCHEMA)
        case "preflight":
            from services.gateway.preflight import findings
            from shared.preflight import tell

            raise SystemExit(tell(findings(settings), as_json=given.json))
        case "seed":
            asyncio.run(_seed(settings))


async def _seed(settings: GatewaySettings) -> None:
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from services.gateway.stub_idp.people import seed
    from shared.database import async_engine

    if not settings.stub_idp:
        raise SystemExit("seed fills the stub identity platform, which is switched off (GM_STUB_IDP)")
    engine = async_engine(settings)
    async with async_sessionmaker(engine).begin() as session:
        count = await seed(session)
    await engine.dispose()
    print(f"{count} demo accounts")
    if settings.stub_ca_file:
        from services.gateway.stub_idp.certificates import make_demo_certificates

        make_demo_certificates(Path(settings.stub_ca_file))


if __name__ == "__main__":
    main()
