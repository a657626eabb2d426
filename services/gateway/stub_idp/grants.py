"""The stub's authorization codes: once, for a minute, for the client and verifier they were made for."""

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.models import StubAccount, StubGrant
from services.gateway.sessions import digest
from services.gateway.signin.client import challenge
from shared import clock
from shared.errors import Malformed, NotSignedIn

CODE_LASTS = timedelta(minutes=1)
TOKEN_LASTS = timedelta(minutes=5)


async def issue(
    session: AsyncSession, username: str, *, client_id: str, redirect_uri: str, code_challenge: str
) -> str:
    """A code for a person who has just given the right password."""
    code = secrets.token_urlsafe(32)
    session.add(
        StubGrant(
            code_sha256=digest(code),
            username=username,
            client_id=client_id,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=clock.now() + CODE_LASTS,
        )
    )
    return code


async def redeem(
    session: AsyncSession, code: str, *, client_id: str, redirect_uri: str, verifier: str
) -> str | None:
    """The access token for a code. None when it was used before; its token is void from then on (RFC 6749,
    4.1.2). `Malformed` when it does not fit."""
    grant = await session.scalar(select(StubGrant).where(StubGrant.code_sha256 == digest(code)).with_for_update())
    if grant is None:
        raise Malformed(code="invalid_grant")
    if grant.used_at is not None:
        grant.token_sha256 = None
        return None
    fits = (
        grant.client_id == client_id
        and grant.redirect_uri == redirect_uri
        and grant.expires_at > clock.now()
        and hmac.compare_digest(grant.code_challenge, challenge(verifier))
    )
    if not fits:
        raise Malformed(code="invalid_grant")
    token = secrets.token_urlsafe(32)
    grant.used_at = clock.now()
    grant.token_sha256 = digest(token)
    grant.token_expires_at = clock.now() + TOKEN_LASTS
    return token


async def owner(session: AsyncSession, token: str) -> StubAccount:
    """Whose token it is; `NotSignedIn` for an unknown or expired one."""
    found = await session.scalar(
        select(StubAccount)
        .join(StubGrant, StubGrant.username == StubAccount.username)
        .where(StubGrant.token_sha256 == digest(token), StubGrant.token_expires_at > clock.now())
    )
    if found is None:
        raise NotSignedIn
    return found
