"""What an enterprise fills in for each of the fund types. Everything here is invented."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from deploy.demo.values import REWARD_SLOTS, reward_values
from shared import clock

Files = dict[str, list[str]]
Sections = dict[str, dict[str, Any]]

_SHARED_SLOTS = {
    "business_license": "company",
    "financial_statements": "company",
    "commitment_scan": "commitment",
}
# Per fund type, which section each required slot belongs to.
SLOTS: dict[str, dict[str, str]] = {
    "reward": REWARD_SLOTS,
    "subsidy": {
        **_SHARED_SLOTS,
        "contracts_invoices": "project_content",
        "feasibility": "project_content",
        "site_proof": "project_content",
    },
    "master_studio": {
        **_SHARED_SLOTS,
        "recognition_proof": "studio",
        "master_certificate": "studio",
        "contracts_invoices": "project_content",
        "photos": "project_content",
    },
    "innovation_cluster": {
        **_SHARED_SLOTS,
        "cooperation_agreement": "cluster",
        "feasibility": "project_content",
    },
}

GIFTS = "国家级重大活动礼品设计开发"
PLATFORM = "工艺美术专业服务平台建设"
PRODUCTION = "工艺美术生产工艺和产品创新研发、规模化生产"


def values_of(fund_type: str, files: Files, **changes: Any) -> Sections:
    """Section by section, values of a fund type that validate and whose checks hold. `files`: attachment ids by slot.

    `changes`: `name` of the project, `amount` applied for, and for 奖励类 and 补助类 its `direction`.
    """
    return _VALUES[fund_type](files, **changes)


def _shared(files: Files, name: str, amount: str, own: str) -> tuple[Sections, list[dict[str, Any]]]:
    """Return the materials that every type has, and its sources of funding."""
    filled = reward_values({slot: files.get(slot, []) for slot in REWARD_SLOTS}, amount=amount, name=name)
    sources = filled["project_content"]["funding_sources"]
    sources[1]["amount_wan"] = own
    kept = {key: filled[key] for key in ("contact", "company", "fund_plan", "commitment")}
    return kept, sources


_INDICATORS = [
    {"indicator": "年产量", "unit": "件", "baseline": "1200", "target": "1800"},
    {"indicator": "培养青年技师", "unit": "人", "baseline": "6", "target": "20"},
]


def _subsidy(
    files: Files, *, name: str = "景泰蓝数字化烧制线", amount: str = "80.00", direction: str = PRODUCTION
) -> Sections:
    year = clock.today().year
    total = Decimal("300.00")
    shared, sources = _shared(files, name, amount, str(total - Decimal(amount)))
    platform = {"served_firms": 26, "platform_staff": 18, "site_proof": files.get("site_proof", [])}
    content = {
        "direction": direction,
        "location": "北京市朝阳区工体北路1号",
        "start_on": f"{year - 1}-03-01",
        "end_on": f"{year}-12-20",
        "background": "传统烧制工艺能耗高、成品率低，熟练技师不足。",
        "content": "建设数字化控温烧制线一条，形成温度曲线数据库。",
        "invested_wan": "210.00",
        **(platform if direction == PLATFORM else {}),
        "expenses": [
            {"item": "控温窑炉", "category": "设备购置", "planned_wan": "180.00", "paid_wan": "150.00", "voucher_no": "FP-20250301"},
            {"item": "温度曲线研发", "category": "研发设计", "planned_wan": str(total - 180), "paid_wan": "60.00"},
        ],
        "funding_sources": sources,
        "contracts_invoices": files["contracts_invoices"],
        "feasibility": files["feasibility"],
    }  # fmt: skip
    benefits = {
        "social_benefit": "保护国家级非物质文化遗产技艺，带动青年就业。",
        "economic_benefit": "年新增产值约六百万元。",
        "indicators": _INDICATORS,
    }
    return _in_order(shared, project_content=content, benefits=benefits)


def _master_studio(files: Files, *, name: str = "王㙍景泰蓝大师示范工作室", amount: str = "40.00") -> Sections:
    year = clock.today().year
    shared, sources = _shared(files, name, amount, "60.00")
    studio = {
        "studio_name": "王㙍景泰蓝工作室",
        "first_recognized": "是",
        "recognized_on": f"{year - 1}-11-18",
        "recognition_doc_no": f"京工美〔{year - 1}〕12号",
        "studio_address": "北京市朝阳区工体北路1号3层",
        "studio_area_sqm": "260.50",
        "masters": [
            {"name": "王㙍", "title": "北京市工艺美术大师", "craft": "景泰蓝", "certificate_no": "BJGM-0316"}
        ],
        "apprentices": [{"name": "李䶮", "since": f"{year - 3}-09-01"}],
        "recognition_proof": files["recognition_proof"],
        "master_certificate": files["master_certificate"],
    }
    content = {
        "start_on": f"{year - 1}-12-01",
        "end_on": f"{year}-10-31",
        "content": "改造传习空间，配置点蓝工位十二个，整理口述工艺史料。",
        "expenses": [
            {"item": "传习空间改造", "amount_wan": "62.00", "voucher_no": "HT-2025-07"},
            {"item": "点蓝工位", "amount_wan": "38.00"},
        ],
        "funding_sources": sources,
        "contracts_invoices": files["contracts_invoices"],
        "photos": files["photos"],
    }
    benefit = {"social_benefit": "每年公开授课二十四场，收徒六名。"}
    return _in_order(shared, studio=studio, project_content=content, social_benefit=benefit)


def _innovation_cluster(
    files: Files, *, name: str = "京作工艺美术产业创新集群", amount: str = "150.00"
) -> Sections:
    year = clock.today().year
    shared, sources = _shared(files, name, amount, "450.00")
    cluster = {
        "cluster_name": "京作工艺美术产业创新集群",
        "cluster_district": "通州区",
        "leading_craft": "景泰蓝、雕漆",
        "cluster_output_wan": "8600.00",
        "cluster_profile": "集群以景泰蓝与雕漆为主导，形成设计、原料、制作、展销的协作链条。",
        "members": [
            {"org_name": "北京燕京景泰蓝工艺品有限公司", "uscc": "91110105MA00TE5T2T", "role": "牵头与烧制", "share_wan": "300.00"},
            {"org_name": "北京雕漆艺术有限公司", "uscc": "911101080000000194", "role": "雕漆制作", "share_wan": "150.00"},
        ],
        "cooperation_agreement": files["cooperation_agreement"],
    }  # fmt: skip
    content = {
        "start_on": f"{year}-01-10",
        "end_on": f"{year + 1}-12-20",
        "content": "共建釉料检测中心与数字纹样库，成员单位共享使用。",
        "milestones": "第一年建成检测中心；第二年纹样库对成员开放。",
        "funding_sources": sources,
        "feasibility": files["feasibility"],
    }
    benefits = {
        "social_benefit": "带动郊区就业，保护传统技艺。",
        "economic_benefit": "集群年产值增长百分之十五。",
        "indicators": _INDICATORS,
    }
    return _in_order(shared, cluster=cluster, project_content=content, benefits=benefits)


def _in_order(shared: Sections, **own: dict[str, Any]) -> Sections:
    """Return the materials as the forms order them: contact, company, the type's own, the plan, what follows, the commitment."""
    before = {key: own[key] for key in ("studio", "cluster", "project_content") if key in own}
    after = {key: value for key, value in own.items() if key not in before}
    return {
        "contact": shared["contact"],
        "company": shared["company"],
        **before,
        "fund_plan": shared["fund_plan"],
        **after,
        "commitment": shared["commitment"],
    }


def _reward(files: Files, *, name: str = "景泰蓝国礼", amount: str = "22.00", direction: str = GIFTS) -> Sections:
    """奖励类; of a direction without gifts in version 2 of its form."""
    filled = reward_values(files, amount=amount, name=name)
    if direction == GIFTS:
        return filled
    content = filled["project_content"]
    for key in ("event_name", "event_on", "gifts", "acceptance_proof"):
        del content[key]
    total = sum(Decimal(row["amount_wan"]) for row in content["funding_sources"])
    paid_on = content["end_on"]
    content |= {
        "direction": direction,
        "results": "整理出版《京绣针法图录》一部，恢复失传针法六种，收徒四名。",
        "expenses": [
            {"item": "资料采集", "amount_wan": "12.00", "paid_on": paid_on, "voucher_no": "FP-001"},
            {"item": "样品复制", "amount_wan": str(total - 12), "paid_on": paid_on, "voucher_no": "FP-002"},
        ],
        "result_proof": files["result_proof"],
    }
    return filled


_VALUES: dict[str, Callable[..., Sections]] = {
    "reward": _reward,
    "subsidy": _subsidy,
    "master_studio": _master_studio,
    "innovation_cluster": _innovation_cluster,
}
