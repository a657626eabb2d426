"""Name the places where an opinion may stand: the whole, a material, a field, a table or one of its rows, an
attachment. In forms and addresses a place is `section.field#row`."""

from typing import Any

from services.gateway.form import form_view

Json = dict[str, Any]


def name(opinion: Json) -> str:
    """The short name of an opinion's place; empty for the whole."""
    said = ".".join(part for part in (opinion.get("section"), opinion.get("field")) if part)
    return f"{said}#{opinion['row']}" if opinion.get("row") else said


def place(said: str) -> Json:
    """What a short name stands for; nonsense becomes a place that is not there, which the service refuses."""
    rest, _, row = said.partition("#")
    section, _, field = rest.partition(".")
    return {"section": section or None, "field": field or None, "row": row or None}


def choices(form: Json, content: Json) -> list[Json]:
    """Every place, grouped by material: `{label, places: [{name, label}]}`; rows by their number and first cell."""
    groups = []
    for section in form["sections"]:
        key, values = section["key"], content["sections"].get(section["key"]) or {}
        places = [{"name": key, "label": f"{section['label']}（整项）"}]
        places += [{"name": f"{key}.{f['key']}", "label": f["label"]} for f in section["fields"]]
        for table in section["tables"]:
            path = f"{key}.{table['key']}"
            places.append({"name": path, "label": table["label"]})
            places += [
                {"name": f"{path}#{row['id']}", "label": f"{table['label']}，第 {n} 行{_first_cell(table, row)}"}
                for n, row in enumerate(values.get(table["key"]) or [], 1)
            ]
        places += [{"name": f"{key}.{s['key']}", "label": f"附件：{s['label']}"} for s in section["slots"]]
        groups.append({"label": section["label"], "places": places})
    return groups


def _first_cell(table: Json, row: Json) -> str:
    fixed = {r["key"]: r["label"] for r in table["fixed_rows"]}
    if row.get("row") in fixed:
        return f"（{fixed[row['row']]}）"
    first = next((c for c in table["columns"] if row.get(c["key"])), None)
    return f"（{form_view.shown({**first, 'unit': None}, row[first['key']])[:12]}）" if first else ""


def label(groups: list[Json], wanted: str) -> str | None:
    """The words for a place; None when it is not there."""
    if not wanted:
        return "整体"
    for group in groups:
        for found in group["places"]:
            if found["name"] == wanted:
                said: str = found["label"]
                return said if said.startswith(group["label"]) else f"{group['label']} · {said}"
    return None
