"""From claims to people, in both dialects."""

from pathlib import Path
from typing import Any

import pytest

from services.gateway.signin import claims
from shared.errors import NotAllowed, Unavailable

INFO: dict[str, Any] = {
    "uid": "u-1",
    "cn": "北京燕京景泰蓝工艺品有限公司",
    "idCardNumber": "MA00TE5T2",
    "credenceClass": "Credence_001",
    "trustLevel": "L3",
    "extProperties": [
        "UNION_CODE=91110105MA00TE5T2T",
        "BLR_NAME=李响",
        "BLR_MOBILE=null",
        "BLR_EMAIL=",
        "ORG_NAME=甲=乙=丙有限公司",
        "LEGAL_PERSON=王㙍",
        "=no name",
        "no mark",
        7,
    ],
}


def test_platforms_answer_becomes_a_person() -> None:
    person = claims.load("tokeninfo").person(INFO)
    assert (person.subject, person.name, person.uscc) == ("u-1", "李响", "91110105MA00TE5T2T")
    assert person.enterprise_name == "甲=乙=丙有限公司"
    assert person.credential == "certificate"
    # "null" and nothing are not values.
    assert person.attributes == {
        "UNION_CODE": "91110105MA00TE5T2T",
        "BLR_NAME": "李响",
        "ORG_NAME": "甲=乙=丙有限公司",
        "LEGAL_PERSON": "王㙍",
    }


def test_staff_have_no_enterprise() -> None:
    person = claims.load("tokeninfo").person({"uid": "u-2", "cn": "陈审查", "extProperties": ["UNION_CODE=null"]})
    assert (person.name, person.uscc, person.enterprise_name) == ("陈审查", None, None)


@pytest.mark.parametrize("uid", [None, "", "null", ["u"], {"u": 1}, True, "x" * 201])
def test_answer_that_does_not_say_who_is_refused(uid: object) -> None:
    with pytest.raises(Unavailable, match="idp_answer"):
        claims.load("tokeninfo").person({**INFO, "uid": uid})


def test_enterprise_whose_code_cannot_be_one_is_refused() -> None:
    wrong = {**INFO, "extProperties": ["UNION_CODE=91110105MA00TE5T20"]}
    with pytest.raises(NotAllowed, match="enterprise_code"):
        claims.load("tokeninfo").person(wrong)


def test_one_file_says_which_claim_gives_which_field(tmp_path: Path) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(
        "oidc:\n"
        "  subject: [employee.id]\n"
        "  name: ['https://claims.example/name', name]\n"
        "  enterprise: [org.code]\n"
        "  enterprise_name: [org.name]\n"
        "  attributes: {BLR_MOBILE: [phone_number]}\n",
        encoding="utf-8",
    )
    person = claims.load("oidc", file).person(
        {
            "sub": "not asked for",
            "employee": {"id": 17},
            "https://claims.example/name": "周敏",
            "org": {"code": "911101080000000194", "name": "北京雕漆艺术有限公司"},
            "phone_number": "13900139000",
            "email": "not asked for",
        }
    )
    assert (person.subject, person.name) == ("17", "周敏")
    assert (person.uscc, person.enterprise_name) == ("911101080000000194", "北京雕漆艺术有限公司")
    assert person.attributes == {"BLR_MOBILE": "13900139000"}


def test_a_file_without_the_dialect_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("tokeninfo: {}\n")
    with pytest.raises(ValueError, match="没有 oidc 一节"):
        claims.load("oidc", tmp_path / "c.yaml")
