"""Draw the state diagram and the table of moves, from `services/applications/workflow.py`."""

from collections.abc import Iterator

from deploy.docs.tables import table
from services.applications.core.labels import ACTIONS
from services.applications.workflow import LABELS, TABLE, Action, Place, State


def section() -> str:
    """Return a Mermaid diagram of all moves, then the table with roles and guards."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{LABELS[state]}" as {state}' for state in State]
    lines.append(f"    [*] --> {State.DRAFT}: 新增项目")
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, action), rule in TABLE.items():
        for to in _destinations(rule.to):
            arrows.setdefault((state, to), []).append(ACTIONS[action])
    lines += [f"    {state} --> {to}: {'、'.join(moves)}" for (state, to), moves in arrows.items()]
    moves = [
        (
            f"{LABELS[state]} `{state}`",
            f"{ACTIONS[action]} `{action}`",
            rule.by,
            " or ".join(LABELS[State(to)] if to != "[*]" else "hidden" for to in _destinations(rule.to)),
            " ".join(f"`{guard.__name__}`" for guard in rule.guards),
        )
        for (state, action), rule in TABLE.items()
    ]
    return "\n".join([*lines, "```", "", table(("from", "move", "by", "to", "guards"), moves)])


def _destinations(to: State | Place) -> Iterator[str]:
    """Yield where a rule leads: one state, or each that it may lead to."""
    came_by = {Place.SUBMITTED_FROM: Action.SUBMIT, Place.RETURNED_FROM: Action.RETURN}
    if isinstance(to, State):
        yield to
    elif to is Place.HIDDEN:
        yield "[*]"
    elif to is Place.PROPOSED_TO:
        yield from (State.PROPOSED, State.PUBLICITY)
    else:
        yield from (state for state, action in TABLE if action is came_by[to])
