"""Write what is known of an account (`Profile`) into a header that travels with a call, and read it back."""

import base64
import zlib

from shared.messages import Profile

# Headers have an end (8 KB); an entry that is larger is asked for instead.
LONGEST = 6000


def written(profile: Profile) -> str:
    """Return a profile as a header's text; empty where it is too large for one."""
    text = base64.b64encode(zlib.compress(profile.model_dump_json().encode(), 1)).decode()
    return text if len(text) <= LONGEST else ""


def read(text: str) -> Profile:
    """Return the profile in a header whose signature was checked."""
    return Profile.model_validate_json(zlib.decompress(base64.b64decode(text)))
