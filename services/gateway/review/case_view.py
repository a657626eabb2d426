"""Lay out a case's materials with everything that concerns each place: what changed, who asked for it, opinions,
where a value came from. Pure: JSON in, JSON for the template out."""

from collections.abc import Iterable
from typing import Any

from services.gateway.form import form_view

Json = dict[str, Any]


def materials(
    form: Json,
    content: Json,
    *,
    earlier: Json | None = None,
    changes: Iterable[Json] = (),
    opinions: Iterable[Json] = (),
    origins: Iterable[Json] = (),
    checks: Iterable[Json] = (),
) -> list[Json]:
    """Sections in the form's order. `content` and `earlier` are revisions' contents."""
    files = {**((earlier or {}).get("attachments") or {}), **content["attachments"]}
    found = []
    for section in form["sections"]:
        key = section["key"]
        mine = [c for c in changes if c["section"] == key]
        said = [o for o in opinions if o["section"] == key]
        values = content["sections"].get(key) or {}
        found.append(
            {
                "key": key,
                "label": section["label"],
                "opinions": [o for o in said if not o["field"]],
                "checks": [c for c in checks if c["section"] == key and not c["holds"]],
                "fields": [
                    {
                        "key": f["key"],
                        "label": f["label"],
                        "value": form_view.shown(f, values.get(f["key"])),
                        "origin": next(
                            (o for o in origins if (o["section"], o["field"]) == (key, f["key"])), None
                        ),
                        **_place(f["key"], mine, said, lambda v, f=f: form_view.shown(f, v)),
                    }
                    for f in section["fields"]
                ],
                "tables": [_table(t, values.get(t["key"]) or [], mine, said) for t in section["tables"]],
                "slots": [_slot(s, values.get(s["key"]) or [], files, mine, said) for s in section["slots"]],
                "changed": len({(c["field"], c["row"]) for c in mine}),
                "unasked": sum(1 for c in mine if not c["asked"]),
            }
        )
    return found


def _place(name: str, changes: list[Json], opinions: list[Json], show: Any) -> Json:
    change = next((c for c in changes if c["field"] == name and c["row"] is None), None)
    return {
        "change": {"before": show(change["before"]), "asked": change["asked"]} if change else None,
        "opinions": [o for o in opinions if o["field"] == name],
    }


def _table(table: Json, rows: list[Json], changes: list[Json], opinions: list[Json]) -> Json:
    mine = [c for c in changes if c["field"] == table["key"]]
    said = [o for o in opinions if (o["field"] or "").partition(".")[0] == table["key"]]
    fixed = {r["key"]: r["label"] for r in table["fixed_rows"]}
    columns = [{**c, "unit": None} for c in table["columns"]]
    here = {row["id"] for row in rows}
    sums = form_view.totals(table, rows)
    lines = [_row(row, columns, fixed, [c for c in mine if c["row"] == row["id"]], said) for row in rows]
    for id in dict.fromkeys(c["row"] for c in mine if c["row"] not in here):
        was = {c["column"]: c["before"] for c in mine if c["row"] == id}
        cells = [{"value": form_view.shown(c, was.get(c["key"])), "before": None} for c in columns]
        asked = all(c["asked"] for c in mine if c["row"] == id)
        lines.append({"id": id, "label": "", "cells": cells, "mark": "removed", "asked": asked, "opinions": []})
    return {
        "key": table["key"],
        "label": table["label"],
        "row_label": table["row_label"] if fixed else None,
        "head": [f"{c['label']}（{c['unit']}）" if c.get("unit") else c["label"] for c in table["columns"]],
        "dates": [n for n, c in enumerate(table["columns"]) if c["kind"] == "date"],
        "rows": lines,
        "totals": [table["total_label"], *[s or "" for s in (sums if fixed else sums[1:])]] if sums else [],
        "opinions": [o for o in said if not o["row"] or o["row"] not in here],
    }


def _row(row: Json, columns: list[Json], fixed: Json, changes: list[Json], opinions: list[Json]) -> Json:
    by_column = {c["column"]: c for c in changes}
    new = (
        bool(changes)
        and len(changes) == sum(1 for c in changes if c["before"] is None)
        and all(row.get(c["key"]) in (None, "", []) or c["key"] in by_column for c in columns)
    )
    return {
        "id": row["id"],
        "label": fixed.get(row.get("row", ""), ""),
        "cells": [
            {
                "value": form_view.shown(c, row.get(c["key"])),
                "before": form_view.shown(c, by_column[c["key"]]["before"])
                if c["key"] in by_column and not new
                else None,
            }
            for c in columns
        ],
        "mark": "new" if new else "changed" if changes else "",
        "asked": all(c["asked"] for c in changes),
        "opinions": [o for o in opinions if o["row"] == row["id"]],
    }


def _slot(slot: Json, ids: list[str], files: Json, changes: list[Json], opinions: list[Json]) -> Json:
    def named(which: Any) -> list[Json]:
        return [{**files[id], "id": id} for id in which or [] if id in files]

    change = next((c for c in changes if c["field"] == slot["key"]), None)
    before = change["before"] or [] if change else []
    return {
        "key": slot["key"],
        "label": slot["label"],
        "files": [{**f, "new": change is not None and f["id"] not in before} for f in named(ids)],
        "removed": named([id for id in before if id not in ids]),
        "change": {"asked": change["asked"]} if change else None,
        "opinions": [o for o in opinions if o["field"] == slot["key"]],
    }


def files(shown: list[Json]) -> list[Json]:
    """Every attachment of the materials, each with where it stands."""
    return [{**f, "place": f"{m['label']} · {s['label']}"} for m in shown for s in m["slots"] for f in s["files"]]


def detail(entry: Json) -> str:
    """What a line of the timeline adds to its label."""
    details = entry["details"]
    parts = []
    if details.get("round_trip"):
        parts.append(f"第 {details['round_trip']} 次退回")
    if details.get("submitted"):
        parts.append(f"第 {details['submitted']} 版")
    if details.get("from_holder"):
        parts.append(f"原办理人{details['from_holder']}")
    if entry["action"] == "assign":
        parts.append(f"{details.get('before') or '未分配'} → {details.get('after') or '未分配'}")
    if details.get("amount_wan"):
        parts.append(f"{details['amount_wan']} 万元")
    if details.get("reason"):
        parts.append(f"理由：{details['reason']}")
    return "；".join(parts)
