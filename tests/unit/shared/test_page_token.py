"""A token in a page is another text each time, and the same token."""

import secrets

from hypothesis import given, strategies

from shared.http.page_token import masked, unmasked


@given(strategies.text(max_size=80))
def test_no_text_breaks_reading(text: str) -> None:
    assert isinstance(unmasked(text), str)


def test_masks_differ_and_hide_one_secret() -> None:
    secret = secrets.token_urlsafe(32)
    written = [masked(secret) for _ in range(100)]
    assert len(set(written)) == 100
    assert {unmasked(text) for text in written} == {secret}
    # Not four letters of it stand anywhere.
    pieces = {secret[n : n + 6] for n in range(len(secret) - 6)}
    assert not any(piece in text for piece in pieces for text in written)
