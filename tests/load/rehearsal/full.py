"""Run a gateway with room for nobody: whoever comes stands in line."""

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.gateway.web.line import LINE
from shared.http.server import run_app
from shared.overload.crowd import Crowd


class Full(Crowd):
    """A line that moves nobody."""

    def judge(self, now: float) -> None:
        self.level.value = 0


def main() -> None:
    settings = GatewaySettings()
    app = create_app(settings)
    app[LINE].crowd = Full()
    app[LINE].crowd.level.value = 0
    run_app(app, settings.gateway_host, settings.gateway_port, settings)


if __name__ == "__main__":
    main()
