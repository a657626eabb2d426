"""Document models for the tests."""

from datetime import UTC, datetime

from shared.messages import Column, DocumentModel, Material, Seal, Table, Text, Value, Values

RARE = "王㙍䶮犇𫖯"


def model(rows: int = 3, *, watermark: str | None = None, name: str = "景泰蓝国礼") -> DocumentModel:
    table = Table(
        caption="使用计划",
        columns=[
            Column(label="序号", width=5),
            Column(label="科目", width=20),
            Column(label="金额", width=10, numeric=True),
        ],
        rows=[[str(i), f"科目{i:03d}号", f"{i}.00"] for i in range(1, rows + 1)],
        totals=["合计", "", f"{rows * (rows + 1) // 2}.00"],
    )
    return DocumentModel(
        title="项目申报书",
        subtitle="工美资金",
        cover=[Value(label="项目名称", text=name), Value(label="申报单位", text="北京某企业")],
        number="GM2026000007",
        revision=2,
        running_header="申报编号 GM2026000007　第 2 版",
        watermark=watermark,
        sha256="ab" * 32,
        sm3="cd" * 32,
        created_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        materials=[
            Material(
                title="项目联系人信息",
                blocks=[
                    Values(
                        values=[Value(label="联系人", text=RARE), Value(label="备注", text="甲\n乙", wide=True)]
                    )
                ],
            ),
            Material(title="资金使用规划", blocks=[table]),
            Material(title="诚信承诺", blocks=[Text(text="郑重承诺"), Seal(lines=[Value(label="盖章", text="")])]),
        ],
        expected=["GM2026000007", "项目联系人信息", "资金使用规划", "诚信承诺"],
    )
