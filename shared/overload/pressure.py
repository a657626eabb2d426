"""Let workers rest while people wait in line: a gateway says so with each of its calls, and a service that hears it lets in hardly
anything that nobody waits for. Pure: each instant is given.

What is made afterwards (a PDF, a mail) costs as much as the submission that owes it, and comes minutes later without harm.
"""

# A header between our own services: people stand in line at the gateway that calls.
HEADER = "GM-People-Wait"
# How long that counts after it was last said: the next call says it again.
LASTS = 15.0
# One job in so many seconds goes all the same, so that nothing stands still however long the line stands.
TRICKLE = 5.0


def headers(line_stands: bool) -> dict[str, str]:
    """Return what a call says of the line; nothing while nobody stands in one."""
    return {HEADER: "1"} if line_stands else {}


class Pressure:
    """What one process of a service has heard."""

    def __init__(self) -> None:
        self._until = 0.0
        self._next = 0.0

    def heard(self, now: float) -> None:
        """People wait in line."""
        self._until = now + LASTS

    def lets_rest(self, now: float) -> bool:
        """Tell whether a job that nobody waits for is to come again later; one in `TRICKLE` seconds is not."""
        if now >= self._until:
            return False
        if now < self._next:
            return True
        self._next = now + TRICKLE
        return False
