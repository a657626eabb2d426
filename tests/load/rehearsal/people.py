"""The crowd's accounts and its round: put in before the night begins."""

import json
from datetime import timedelta

import psycopg
from argon2 import PasswordHasher

from deploy.demo.client import Person
from services.gateway.stub_idp.people import demo, subject_of, tokeninfo
from shared import clock
from tests.load.rehearsal.plan import PASSWORD, Enterprise

# The platform's own cost of a password is not what is rehearsed.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def enrol(database_url: str, crowd: list[Enterprise]) -> None:
    """An account at the stub platform and an entry of its registry for each."""
    pattern = demo().enterprises[0]
    password_hash = CHEAP.hash(PASSWORD)
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        for enterprise in crowd:
            unit = pattern | {"UNION_CODE": enterprise.uscc, "ORG_NAME": enterprise.name}
            said = tokeninfo(
                subject_of(enterprise.username), "李响", unit, mobile="13800138000", email="lixiang@example.com"
            )
            cursor.execute(
                "INSERT INTO stub_idp.registry (uscc, attributes) VALUES (%s, %s)",
                [enterprise.uscc, json.dumps(unit)],
            )
            cursor.execute(
                "INSERT INTO stub_idp.accounts"
                " (username, subject, password_hash, attributes, uscc, status, is_reviewer)"
                " VALUES (%s, %s, %s, %s, %s, 'active', false)",
                [
                    enterprise.username,
                    subject_of(enterprise.username),
                    password_hash,
                    json.dumps(said),
                    enterprise.uscc,
                ],
            )


def open_round(officer: Person, director: Person, *, seconds: float, lead: float) -> tuple[str, float]:
    """A round that closes on a whole second, `seconds` after the night begins, which is `lead` from now at least:
    its id, and when the night begins (Unix time)."""
    rounds = officer.call("GET", "/rounds").json()
    pattern = next(r for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    closes = (clock.now() + timedelta(seconds=lead + seconds + 1)).replace(microsecond=0)
    body = {
        "fund_type": pattern["fund_type"],
        "form_version": pattern["form_version"],
        "title": "截止之夜演练",
        "opens_at": (clock.now() - timedelta(minutes=1)).isoformat(),
        "closes_at": closes.isoformat(),
        "parameters": pattern["parameters"],
        "publish": False,
    }
    made = officer.call("POST", "/rounds", json=body).json()
    director.call("POST", f"/rounds/{made['id']}/publish", json={"accept_missing": True})
    return str(made["id"]), closes.timestamp() - seconds
