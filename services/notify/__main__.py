"""`python -m services.notify serve|worker|migrate|preflight|texts`."""

from pathlib import Path

from services.notify.settings import NotifySettings
from shared import commands
from shared.observability import logs, tracing
from shared.settings import load, private_files


def main() -> None:
    private_files()
    given = commands.read("notify", "serve", "worker", "migrate", "texts", preflight=commands.preflight)
    settings = load(NotifySettings)
    logs.configure("notify-worker" if given.command == "worker" else "notify", settings.log_level)
    match given.command:
        case "serve":
            from services.notify.app import create_app
            from shared.http.server import run_app

            tracing.configure("notify", settings.traces_url, settings.traces_share)
            run_app(create_app(settings), settings.notify_host, settings.notify_port, settings)
        case "worker":
            from services.notify.worker import run

            run(settings)
        case "texts":
            from services.notify.short_messages import lengths

            for kind, letters, count in lengths():
                print(f"{kind}\t{letters} 字\t{count} 条")
        case "preflight":
            from services.notify.preflight import findings
            from shared.preflight import tell

            raise SystemExit(tell(findings(settings), as_json=given.json))
        case "migrate":
            from services.notify.models import SCHEMA
            from shared.database import migrate

            migrate(settings, Path(__file__).parent / "migrations", SCHEMA)


if __name__ == "__main__":
    main()
