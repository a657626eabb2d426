"""Issue and redeem authorization codes: valid once, for a minute, for one client and code verifier."""

import hmac
import secrets
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp.authorization import AuthorizationRequest
from services.gateway.stub_idp.browsers import digest
from services.gateway.stub_idp.models import StubGrant
from shared import clock, codes
from shared.errors import Malformed, NotSignedIn

CODE_LASTS = timedelta(minutes=1)
TOKEN_LASTS = timedelta(minutes=5)


async def issue(session: AsyncSession, asked: AuthorizationRequest, attributes: dict[str, Any]) -> str:
    """A code for a person who has just proved who they are; `attributes` is what the platform will say of them."""
    await session.execute(delete(StubGrant).where(StubGrant.expires_at < clock.now() - timedelta(days=1)))
    code = secrets.token_urlsafe(32)
    session.add(
        StubGrant(
            code_sha256=digest(code),
            attributes=attributes,
            client_id=asked.client_id,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            scope=asked.scope,
            nonce=asked.nonce,
            expires_at=clock.now() + CODE_LASTS,
        )
    )
    return code


async def redeem(
    session: AsyncSession, code: str, *, client_id: str, redirect_uri: str, verifier: str
) -> tuple[str, StubGrant] | None:
    """The access token for a code, and what it was given for. None when it was used before; its token is void
    from then on (RFC 6749, 4.1.2). `Malformed` when it does not fit."""
    grant = await session.scalar(select(StubGrant).where(StubGrant.code_sha256 == digest(code)).with_for_update())
    if grant is None:
        raise Malformed(code=codes.INVALID_GRANT)
    if grant.used_at is not None:
        grant.token_sha256 = None
        return None
    fits = (
        grant.client_id == client_id
        and grant.redirect_uri == redirect_uri
        and grant.expires_at > clock.now()
        and hmac.compare_digest(grant.code_challenge, create_s256_code_challenge(verifier))
    )
    if not fits:
        raise Malformed(code=codes.INVALID_GRANT)
    token = secrets.token_urlsafe(32)
    grant.used_at = clock.now()
    grant.token_sha256 = digest(token)
    grant.token_expires_at = clock.now() + TOKEN_LASTS
    return token, grant


async def said(session: AsyncSession, token: str) -> dict[str, Any]:
    """What the platform says of a token's owner; `NotSignedIn` for an unknown or expired one."""
    found = await session.scalar(
        select(StubGrant).where(StubGrant.token_sha256 == digest(token), StubGrant.token_expires_at > clock.now())
    )
    if found is None:
        raise NotSignedIn
    return found.attributes
