"""Document models for the tests: one of each kind, with everything in it that has ever been hard to print."""

from datetime import UTC, datetime
from typing import Any

from shared.document import (
    ApplicationForm,
    Block,
    Column,
    Commitment,
    Embedded,
    Letter,
    Material,
    Proof,
    Seal,
    Sheet,
    Table,
    Text,
    Value,
    Values,
)

RARE = "王㙍䶮犇𫖯"
DRAFT = "草稿，不作为申报依据"
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
# As long as a real one: a number, a revision, a signature of 86 characters.
PROOF = Proof(
    url="http://127.0.0.1:8080/verify/GM2026000007-2-" + "Ab3_" * 21 + "Qw",
    sha256="ab" * 32,
    sm3="cd" * 32,
)


def seal(name: str = "") -> Seal:
    return Seal(
        lines=[
            Value(label="单位名称（盖章）", text=name),
            Value(label="法定代表人或授权人（签字）", text=""),
            Value(label="日期", text="　　　　年　　月　　日"),
        ]
    )


def plan(rows: int) -> Table:
    return Table(
        caption="保护发展资金使用计划",
        columns=[
            Column(label="序号", width=6),
            Column(label="科目", width=20),
            Column(label="金额（万元）", width=10, numeric=True),
        ],
        rows=[[str(i), f"科目{i:03d}号", f"{i}.00"] for i in range(1, rows + 1)],
        totals=["合计", "", f"{rows * (rows + 1) // 2}.00"],
        note="合计（大写）：人民币陆万元整",
    )


def model(
    rows: int = 3,
    *,
    watermark: str | None = None,
    name: str = "景泰蓝国礼",
    more: tuple[Block, ...] = (),
    **changes: Any,
) -> ApplicationForm:
    """An application form of five pages: cover, contents, materials, commitment, attachments."""
    values: dict[str, Any] = {
        "title": "北京市传统工艺美术保护发展资金项目申报书",
        "subtitle": "工美资金（奖励）",
        "author": "北京燕京景泰蓝工艺品有限公司",
        "office": "北京市经济和信息化局",
        "cover": [
            Value(label="项目名称", text=name),
            Value(label="申报单位", text="北京燕京景泰蓝工艺品有限公司"),
            Value(label="统一社会信用代码", text="91110105MA00TE5T2T"),
            Value(label="申请金额", text="22.00 万元\n（人民币贰拾贰万元整）"),
            Value(label="申报编号", text="GM2026000007"),
            Value(label="版　　次", text="第 2 版"),
            Value(label="申报时间", text="2026-11-23 17:30:00"),
        ],
        "running_header": "申报编号 GM2026000007　第 2 版",
        "watermark": watermark,
        "created_at": AT,
        "proof": None if watermark else PROOF,
        "embedded": [
            Embedded(name="GM2026000007-2.json", description="本版申报数据", text='{"number":"GM2026000007"}')
        ],
        "materials": [
            Material(
                title="项目联系人信息",
                blocks=[
                    Values(
                        values=[
                            Value(label="联系人", text=RARE),
                            Value(label="移动电话", text="13800138000"),
                            Value(label="Email", text="very.long.address@subdomain.example.com"),
                            Value(label="备注", text="甲\n乙", wide=True),
                        ]
                    ),
                    Text(
                        caption="项目主要内容",
                        text="掐丝、点蓝、烧蓝 Cloisonné（ＣＬＯＩＳＯＮＮÉ）磨光、镀金。\n全部手工完成。",
                    ),
                    *more,
                ],
            ),
            Material(title="保护发展资金使用规划", blocks=[plan(rows)]),
            Material(
                title="诚信承诺",
                blocks=[Text(text="本单位郑重承诺：\n一、所提交的全部材料真实、完整、有效。"), seal()],
                new_page=True,
            ),
        ],
        "appendices": [
            Material(
                title="附件清单",
                blocks=[
                    Table(
                        columns=[
                            Column(label="序号", width=5),
                            Column(label="文件名", width=15),
                            Column(label="字节", width=8, numeric=True),
                            Column(label="SHA-256", width=22),
                        ],
                        rows=[
                            [
                                "1",
                                "营业执照.pdf",
                                "1,048,576",
                                "0123456789abcdef" * 2 + "\n" + "0123456789abcdef" * 2,
                            ]
                        ],
                        code=True,
                    )
                ],
            )
        ],
        "expected": ["GM2026000007", "项目联系人信息", "保护发展资金使用规划", "诚信承诺"],
        **changes,
    }
    return ApplicationForm(**values)


def commitment() -> Commitment:
    return Commitment(
        title="诚信承诺",
        subtitle="北京市传统工艺美术保护发展资金项目申报书（奖励类）",
        author="北京燕京景泰蓝工艺品有限公司",
        facts=[
            Value(label="项目名称", text="景泰蓝国礼"),
            Value(label="申报单位", text="北京燕京景泰蓝工艺品有限公司"),
            Value(label="统一社会信用代码", text="91110105MA00TE5T2T"),
        ],
        text="本单位郑重承诺：\n一、所提交的全部材料真实、完整、有效，不存在弄虚作假；\n如有不实，愿承担相应法律责任并退回资金。",
        seal=seal("北京燕京景泰蓝工艺品有限公司"),
        created_at=AT,
        expected=["郑重承诺"],
    )


def letter(paragraphs: int = 2) -> Letter:
    """A notice of return, as the review desk would send it."""
    return Letter(
        title="关于退回补正工美资金申报材料的通知",
        author="北京市经济和信息化局",
        office="北京市经济和信息化局",
        reference="京经信工美补〔2026〕7号",
        addressee="北京燕京景泰蓝工艺品有限公司",
        paragraphs=[
            "你单位申报的“景泰蓝国礼”项目（申报编号 GM2026000007，第 2 版）收悉。经形式审查，材料尚不符合要求，现退回补正。",
            *(
                [
                    "请于2026年11月30日17时前登录工美资金管理系统，按下列意见补充、修改后重新提交；逾期未补正的，视为放弃申报。"
                ]
                * (paragraphs - 1)
            ),
        ],
        tables=[
            Table(
                columns=[
                    Column(label="序号", width=5),
                    Column(label="材料", width=15),
                    Column(label="意见", width=30),
                ],
                rows=[["1", "保护发展资金使用规划", "请填写开户行全称"], ["2", "项目联系人信息", "请核对邮箱"]],
            )
        ],
        attachments=["补正材料清单", "填报说明"],
        signed_by="北京市经济和信息化局",
        signed_on="2026年11月23日",
        contact="联系人：业务处；电话：010-85235981",
        created_at=AT,
        proof=PROOF,
        expected=["GM2026000007", "退回补正"],
    )


def sheet() -> Sheet:
    """The receipt of a submission."""
    return Sheet(
        title="申报回执",
        subtitle="北京市传统工艺美术保护发展资金项目申报书",
        author="北京燕京景泰蓝工艺品有限公司",
        office="北京市经济和信息化局",
        blocks=[
            Values(
                values=[
                    Value(label="申报编号", text="GM2026000007"),
                    Value(label="版次", text="第 2 版"),
                    Value(label="申报单位", text=f"北京燕京景泰蓝工艺品有限公司（{RARE}）", wide=True),
                ]
            )
        ],
        created_at=AT,
        proof=PROOF,
        expected=["GM2026000007", PROOF.sha256],
    )


KINDS = {"application_form": model, "commitment": commitment, "letter": letter, "sheet": sheet}
