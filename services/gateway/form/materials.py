"""Lay out what was submitted to be read: materials as labelled values, tables and files, and what changed in them."""

from aiohttp import web

from services.gateway.form import form_view
from services.gateway.web.calls import Json, ask, definition

MASKED = {"masked": "1"}


def materials(form: Json, contents: Json, attachments: Json) -> list[Json]:
    """Sections as labelled values, tables and files."""
    return [
        {
            **material(section, contents[section["key"]], attachments),
            "number": number,
            "key": section["key"],
            "label": section["label"],
        }
        for number, section in enumerate((s for s in form["sections"] if s["key"] in contents), 1)
    ]


def material(section: Json, values: Json, attachments: Json) -> Json:
    """One section to be read. What has no place in the values was hidden by a condition."""
    return {
        "values": [
            (f["label"], form_view.shown(f, values[f["key"]])) for f in section["fields"] if f["key"] in values
        ],
        "tables": [_table(t, values[t["key"]] or []) for t in section["tables"] if t["key"] in values],
        "slots": [
            (s["label"], [attachments[id] for id in values[s["key"]] or [] if id in attachments])
            for s in section["slots"]
            if s["key"] in values
        ],
    }


def _table(table: Json, rows: list[Json]) -> Json:
    fixed = {r["key"]: r["label"] for r in table["fixed_rows"]}
    head = [table["row_label"]] if fixed else []
    lines = [
        ([fixed.get(row.get("row"), "")] if fixed else [])
        + [form_view.shown({**c, "unit": None}, row.get(c["key"])) for c in table["columns"]]
        for row in rows
    ]
    sums = form_view.totals(table, rows)
    return {
        "label": table["label"],
        "head": head + [f"{c['label']}（{c['unit']}）" if c.get("unit") else c["label"] for c in table["columns"]],
        "dates": [n for n, c in enumerate(table["columns"], len(head)) if c["kind"] == "date"],
        "rows": lines,
        "totals": [table["total_label"], *[s or "" for s in (sums if fixed else sums[1:])]] if sums else [],
    }


async def latest(
    request: web.Request, found: Json, number: int | None = None, *, whole: bool = False
) -> list[Json]:
    """A revision of an application, the newest unless one is named, as materials; empty before the first.
    `whole`: nothing masked, which is recorded."""
    if not found["revision"]:
        return []
    path = f"/applications/{found['id']}/revisions/{number or found['revision']}"
    asked = ask(request, "POST", f"{path}/reveal", json={}) if whole else ask(request, "GET", path, query=MASKED)
    content = (await asked).body["content"]
    files = {id: {**file, "id": id} for id, file in content["attachments"].items()}
    return materials(await definition(request, found), content["sections"], files)


def changed(form: Json, changes: list[Json]) -> list[Json]:
    """Changes as lines: where, what it was, what it is, and whether an opinion had asked for it."""
    lines = []
    sections = {s["key"]: s for s in form["sections"]}
    for change in changes:
        section = sections[change["section"]]
        part = _part(section, change)
        lines.append(
            {
                "section": section["label"],
                "key": section["key"],
                "place": form_view.place_label(section, change),
                "anchor": form_view.anchor(section, change),
                "before": _said(part, change["before"]),
                "after": _said(part, change["after"]),
                "asked": change["asked"],
            }
        )
    return lines


def _part(section: Json, change: Json) -> Json | None:
    """The definition of the changed value; None for attachments."""
    for table in section["tables"]:
        if table["key"] == change["field"]:
            found: Json | None = next((c for c in table["columns"] if c["key"] == change["column"]), None)
            return found
    return next((f for f in section["fields"] if f["key"] == change["field"]), None)


def _said(part: Json | None, value: object) -> str:
    if part is None:
        return f"{len(value)} 个文件" if isinstance(value, list) else "—"
    return form_view.shown(part, value)
