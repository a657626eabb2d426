"""Say why a file is not taken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Why a file is not taken: a stable code, and a sentence for the person."""

    code: str
    message: str
