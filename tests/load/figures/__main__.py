"""`make bench-figures`: the figures, as ratios of things run side by side in one run.

`python -m tests.load.figures [pair] [rows] [relay] [two]`; all of them when none is named.
"""

import asyncio
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "var" / "reports"


def main() -> None:
    wanted = sys.argv[1:] or ["pair", "rows", "relay", "two"]
    found: dict[str, object] = {}
    for part in wanted:
        match part:
            case "pair":
                from tests.load.figures import pair

                found[part] = asyncio.run(pair.measure())
            case "rows":
                from tests.load.figures import rows

                found[part] = asyncio.run(rows.measure())
            case "relay":
                from tests.load.figures import relay

                found[part] = asyncio.run(relay.measure())
            case "two":
                from tests.load.figures import two

                found[part] = two.measure()
            case _:
                raise SystemExit(f"there is no part {part}: pair, rows, relay, two")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "figures.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"written to {FOLDER}/figures.json")


if __name__ == "__main__":
    main()
