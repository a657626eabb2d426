"""Describe a person as an identity provider does at sign-in."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Person:
    """A person whose identity a provider has confirmed. `attributes` are what a form may be prefilled with; `credential` is how
    they proved themselves (`password`, `certificate`); `id_token` is shown to the provider at sign-out; `session` is the
    provider's own name of its session, by which it ends ours."""

    subject: str
    name: str
    uscc: str | None
    enterprise_name: str | None
    attributes: dict[str, Any] = field(default_factory=dict)
    credential: str | None = None
    id_token: str | None = None
    session: str | None = None
