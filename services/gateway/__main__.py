"""`python -m services.gateway serve|synthetic|migrate|seed|staff|rotate|retention|audit-verify|preflight`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts import staff_command
from services.gateway.settings import GatewaySettings
from shared import commands
from shared.database import in_transaction, migrate
from shared.errors import DomainError
from shared.observability import logs, tracing
from shared.settings import load, private_files

T = TypeVar("T")


def main() -> None:
    private_files()
    given = commands.read(
        "gateway", "serve", "synthetic", "migrate", "seed", "rotate", retention=commands.retention,
        audit_verify=commands.audit_verify, preflight=commands.preflight, staff=staff_command.arguments,
    )  # fmt: skip
    settings = load(GatewaySettings)
    logs.configure("gateway", settings.log_level)
    match given.command:
        case "serve":
            from services.gateway.app import create_app
            from shared.http.server import run_app

            tracing.configure("gateway", settings.traces_url, settings.traces_share)
            run_app(create_app(settings), settings.gateway_host, settings.gateway_port, settings)
        case "synthetic":
            _synthetic(settings)
        case "migrate":
            _migrate(settings)
        case "preflight":
            from services.gateway.preflight import findings
            from shared.preflight import tell

            raise SystemExit(tell(findings(settings), as_json=given.json))
        case "seed":
            _seed(settings)
        case "rotate":
            print(f"{_in_transaction(settings, lambda s: _rotate(s, settings))} rows sealed anew")
        case "retention":
            print(_in_transaction(settings, lambda s: _retention(s, settings, carry_out=given.carry_out)))
        case "audit-verify":
            raise SystemExit(
                _in_transaction(settings, lambda s: _verify_audit(s, settings, given.head, given.accept))
            )
        case "staff":
            print(_in_transaction(settings, lambda session: staff_command.run(session, given)))


def _synthetic(settings: GatewaySettings) -> None:
    from services.gateway.synthetic.process import run

    if settings.synthetic_email is None:
        raise SystemExit("GM_SYNTHETIC_EMAIL：应设置自检邮件的收件地址")
    run(settings)


def _migrate(settings: GatewaySettings) -> None:
    from services.gateway.accounts.models import SCHEMA

    migrate(settings, Path(__file__).parent / "migrations", SCHEMA)


def _seed(settings: GatewaySettings) -> None:
    from services.gateway.accounts.demo_staff import seed

    if not settings.stub_idp:
        raise SystemExit(
            "seed enters the staff of the stub identity platform, which is switched off (GM_STUB_IDP)"
        )
    print(f"{_in_transaction(settings, seed)} demo staff")


async def _rotate(session: AsyncSession, settings: GatewaySettings) -> int:
    from services.gateway.accounts import retention
    from shared.sealing import Keyring

    return await retention.rotate(session, Keyring(settings.personal_keys))


async def _verify_audit(
    session: AsyncSession, settings: GatewaySettings, noted: list[str], accepted: str | None
) -> int:
    from aiohttp import ClientSession

    from services.gateway.accounts.models import AUDIT
    from services.gateway.operator.audit_heads import RemoteHeads
    from shared.audit import heads

    async with ClientSession() as http:
        return await heads.report(session, AUDIT, settings.audit_key, RemoteHeads(http, settings), noted, accepted)


async def _retention(session: AsyncSession, settings: GatewaySettings, *, carry_out: bool) -> str:
    from services.gateway.accounts import retention

    found = await retention.due(session, settings)
    lines = [f"accounts nobody used: {len(found)}", *(f"  {a.subject}  {a.attributes_at}" for a in found)]
    if carry_out:
        return "\n".join([*lines, f"{await retention.forget(session, found)} accounts forgotten"])
    return "\n".join([*lines, "nothing was deleted; --carry-out does it"])


def _in_transaction(settings: GatewaySettings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """One transaction's work; a refusal is one line and exit code 1."""
    try:
        return asyncio.run(in_transaction(settings, work))
    except DomainError as refused:
        raise SystemExit(refused.detail) from None


if __name__ == "__main__":
    main()
