"""Invent what the demo's enterprise fills in."""

from typing import Any

from deploy.demo.files import pdf, png
from shared import clock

ENTERPRISE_1 = ("91110105MA00TE5T2T", "北京燕京景泰蓝工艺品有限公司")


def reward_values(
    files: dict[str, list[str]], *, amount: str = "22.00", name: str = "景泰蓝国礼"
) -> dict[str, Any]:
    """Section by section, values of 奖励类 that validate and whose checks hold. `files`: attachment ids by slot."""
    today = clock.today()
    return {
        "contact": {
            "project_name": name,
            "contact_name": "李响",
            "contact_phone": "010-58511090",
            "mobile": "13800138000",
            "email": "lixiang@example.com",
        },
        "company": {
            "org_name": ENTERPRISE_1[1],
            "uscc": ENTERPRISE_1[0],
            "legal_rep_name": "王㙍",
            "established_on": "2008-05-06",
            "registered_capital_wan": "500.00",
            "economic_type": "民营",
            "industry": "工艺美术品制造",
            "district": "朝阳区",
            "registered_address": "北京市朝阳区工体北路1号",
            "office_address": "北京市朝阳区工体北路1号",
            "zip_code": "100027",
            "business_scope": "景泰蓝工艺品的设计、制作与销售。",
            "employee_count": 86,
            "craft_staff_count": 31,
            "craft_categories": ["景泰蓝", "花丝镶嵌"],
            "org_profile": "本企业长期从事景泰蓝制作技艺的保护与创新。",
            "finance": [
                {
                    "row": key,
                    "year": year,
                    "revenue_wan": "1234.50",
                    "profit_wan": "-12.30",
                    "tax_wan": "88.00",
                    "assets_wan": "2600.00",
                }
                for key, year in (("last_year", today.year - 1), ("year_before", today.year - 2))
            ],
            "business_license": files["business_license"],
            "financial_statements": files["financial_statements"],
        },
        "project_content": {
            "direction": "国家级重大活动礼品设计开发",
            "event_name": "国家级重大外事活动",
            "event_on": f"{today.year - 1}-05-14",
            "start_on": f"{today.year - 1}-01-10",
            "end_on": f"{today.year - 1}-04-30",
            "content": "设计并制作景泰蓝国礼一套。\n掐丝、点蓝、烧蓝、磨光、镀金，全部手工完成。",
            "innovation": "以敦煌纹样重构传统缠枝莲。",
            "gifts": [
                {
                    "gift_name": "和平尊",
                    "craft": "景泰蓝",
                    "quantity": 2,
                    "accepted_by": "活动礼品办公室",
                    "accepted_on": f"{today.year - 1}-05-01",
                }
            ],
            "funding_sources": [
                {"row": "applied_fund", "amount_wan": amount},
                {"row": "own_fund", "amount_wan": "30.00", "remark": "自有资金"},
                {"row": "bank_loan", "amount_wan": "0"},
                {"row": "other_fiscal", "amount_wan": "0"},
                {"row": "other_fund", "amount_wan": "0"},
            ],
            "acceptance_proof": files["acceptance_proof"],
            "contracts_invoices": files["contracts_invoices"],
            "photos": files["photos"],
        },
        "fund_plan": {
            "plan_items": [{"subject_name": "材料费", "amount_wan": amount, "remark": "铜胎与釉料"}],
            "team_members": [{"name": "王㙍", "specialty": "掐丝"}, {"name": "李䶮", "specialty": "点蓝"}],
            "applied_total_wan": amount,
            "bank_name": "中国工商银行北京朝阳支行",
            "bank_account": "0200001009000000001",
        },
        "social_benefit": {"social_benefit": "带动二十名青年学艺，保护国家级非物质文化遗产项目。"},
        "commitment": {
            "agreed": True,
            "signer_name": "王㙍",
            "signed_on": today.isoformat(),
            "commitment_scan": files["commitment_scan"],
        },
    }


# Which section each required slot of 奖励类 belongs to.
REWARD_SLOTS = {
    "business_license": "company",
    "financial_statements": "company",
    "acceptance_proof": "project_content",
    "contracts_invoices": "project_content",
    "photos": "project_content",
    "commitment_scan": "commitment",
}

PDF = pdf("gongmei")
PNG = png()


def file_for(slot: str) -> tuple[str, bytes]:
    """Return a small file that the slot accepts."""
    return ("作品.png", PNG) if slot == "photos" else (f"{slot}.pdf", pdf(slot))
