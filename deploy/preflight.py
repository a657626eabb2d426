"""Let every service of the system that runs here look around, and sum the pools up (`make preflight`)."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.embedded.errors import CannotRun
from deploy.embedded.secrets import SERVICES
from deploy.embedded.system import ROOT
from deploy.local import running
from services.applications.settings import ApplicationsSettings
from services.gateway.settings import GatewaySettings
from services.notify.settings import NotifySettings
from shared.preflight import Finding, Level, bad, database, fit, look, table

TITLES = {"gateway": "网关", "applications": "申报服务", "documents": "PDF 服务", "notify": "通知服务"}
# Processes that keep a pool of database connections, and whose settings say how large.
POOLS = {
    "gateway": "gateway",
    "applications": "applications",
    "relay": "applications",
    "notify": "notify",
    "notify-worker": "notify",
}
POOL_SIZES = {
    "gateway": GatewaySettings.model_fields["database_pool_size"].default,
    "applications": ApplicationsSettings.model_fields["database_pool_size"].default,
    "notify": NotifySettings.model_fields["database_pool_size"].default,
}


def of_service(environment: dict[str, str], service: str) -> list[Finding]:
    """Return what a service's own `preflight` found, with its own settings."""
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", "preflight", "--json"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        words = (done.stderr.strip().splitlines() or ["没有输出"])[-1]
        return [bad(TITLES[service], words[:200], "先修正设置")]
    return [Finding(**{**line, "level": Level(line["level"])}) for line in found]


def wanted(processes: dict[str, Any], environments: dict[str, dict[str, str]]) -> dict[str, int]:
    """Return the most connections each running process may open."""
    found = {}
    for name in processes:
        kind = re.sub(r"-\d+$", "", name)
        if kind in POOLS:
            size = environments[POOLS[kind]].get("GM_DATABASE_POOL_SIZE", POOL_SIZES[POOLS[kind]])
            # The gateway watches sessions by one of its own, applications and relay what forms are published.
            found[name] = int(size) + (kind in ("gateway", "applications", "relay"))
    return found


def pools(description: dict[str, Any]) -> list[Finding]:
    """Tell whether all of them fit into the database."""
    environments = description["environments"]
    total = wanted(description["processes"], environments)
    settings = ApplicationsSettings.model_validate(
        {
            name.removeprefix("GM_").lower(): value
            for name, value in environments["applications"].items()
            if name.startswith("GM_")
        }
    )
    return look("连接池合计", lambda: [database.capacity(database.max_connections(settings), total)])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.preflight")
    parser.add_argument("--var", type=Path, default=ROOT / "var")
    try:
        description = running(parser.parse_args().var.resolve())
    except CannotRun as reason:
        print(f"cannot look: {reason}", file=sys.stderr)
        return 2
    everything: list[Finding] = []
    for service in SERVICES:
        found = of_service(description["environments"][service], service)
        if service == "applications":
            found += pools(description)
        # What services share is said once.
        found = [finding for finding in found if finding not in everything]
        everything += found
        sys.stdout.buffer.write(f"{TITLES[service]}\n{table(found)}\n".encode())
    levels = [finding.level for finding in everything]
    verdict = "可以迎接截止之夜" if fit(everything) else "还不能迎接截止之夜"
    summary = f"{verdict}：{levels.count(Level.BAD)} 项不适合，{levels.count(Level.WARNING)} 项需注意\n"
    sys.stdout.buffer.write(summary.encode())
    return 0 if fit(everything) else 1


if __name__ == "__main__":
    raise SystemExit(main())
