"""Tokens: what was signed is told apart from everything else, and keys may rotate."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.applications.submission import paper_tokens
from shared.identity import public_key

KEY, NEXT_KEY = b"k" * 32, b"n" * 32
DIGEST = "ab" * 32
TOKEN = paper_tokens.make(KEY, number="GM2026000007", revision=2, sha256=DIGEST)


def holds(token: str, *, digest: str = DIGEST, keys: tuple[bytes, ...] = (KEY,)) -> bool:
    claim = paper_tokens.read(token)
    return claim is not None and paper_tokens.holds(claim, digest, [public_key(key) for key in keys])


def test_ours_holds_and_is_always_the_same() -> None:
    assert holds(TOKEN)
    assert paper_tokens.make(KEY, number="GM2026000007", revision=2, sha256=DIGEST) == TOKEN
    assert len(TOKEN) == len("GM2026000007-2-") + 86


def test_every_altered_letter_is_told() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(len(TOKEN)):
        for letter in letters if place == len(TOKEN) - 1 else letters[::7]:
            altered = TOKEN[:place] + letter + TOKEN[place + 1 :]
            assert holds(altered) is (altered == TOKEN), altered


@pytest.mark.parametrize(
    "token", ["", "GM2026000007-2", TOKEN + "A", TOKEN[:-1], TOKEN.replace("-2-", "-02-"), f" {TOKEN}", "../../x"]
)
def test_what_we_could_not_have_written_is_none(token: str) -> None:
    assert paper_tokens.read(token) is None


def test_other_digest_or_other_key_does_not_hold() -> None:
    assert not holds(TOKEN, digest="ab" * 31 + "ac")
    assert not holds(TOKEN, keys=(NEXT_KEY,))


def test_a_retired_key_still_counts() -> None:
    assert holds(TOKEN, keys=(NEXT_KEY, KEY))


def test_anybody_can_check_with_the_published_key_alone() -> None:
    published = paper_tokens.key_set(NEXT_KEY, [public_key(KEY)])["keys"]
    assert [key["kid"] for key in published] == [paper_tokens.key_id(public_key(k)) for k in (NEXT_KEY, KEY)]
    number, revision, signature = TOKEN.split("-", 2)
    said = json.dumps(
        {"number": number, "purpose": "verify", "revision": int(revision), "sha256": DIGEST}, separators=(",", ":")
    )
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(published[1]["x"] + "="))
    key.verify(base64.urlsafe_b64decode(signature + "=="), said.encode())


def test_key_ids_are_thumbprints() -> None:
    """The example of RFC 8037, appendix A.3."""
    key = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert paper_tokens.key_id(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
