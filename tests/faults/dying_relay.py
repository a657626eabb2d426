"""A relay that is killed at the worst moment: `python -m tests.faults.dying_relay claimed|published`.

It is the product's own relay; only its publishing ends in SIGKILL, before or after the broker took the messages.
"""

import asyncio
import os
import signal
import sys
from uuid import UUID

from services.applications.operations import relay
from services.applications.settings import ApplicationsSettings
from shared.settings import load


class DyingRelay(relay.Relay):
    moment = sys.argv[1]

    def _publish(self, topic: str, ids: list[UUID], traces: dict[UUID, str]) -> set[UUID]:
        if self.moment == "published":
            super()._publish(topic, ids, traces)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


if __name__ == "__main__":
    relay.Relay = DyingRelay  # type: ignore[misc]
    asyncio.run(relay.run(load(ApplicationsSettings)))
