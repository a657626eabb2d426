"""What the bureau's pages cost beside an earlier commit: `make bench-case ARGS=commit`. A case that was returned, corrected and
submitted again, the queue, and an expert's case."""

from functools import partial

from tests.load.beside import Acts, compare
from tests.system.running import RunningSystem, create, fill, submit, version


def played(system: RunningSystem) -> Acts:
    """Cases as the bureau meets them, and who opens which page of them."""
    applicant, reviewer = system.person("qiye1"), system.person("shencha")
    cases = []
    for n in range(4):
        cases.append(create(applicant))
        fill(applicant, cases[-1], name=f"景泰蓝赏瓶{n}")
        submit(applicant, cases[-1])
    again = cases[0]
    path = f"/review/applications/{again}"
    reviewer.call("POST", f"{path}/lease", json={})
    opinions = [{"section": None, "field": None, "row": None, "text": "请核对全部材料。"}]
    body = {"working_days": 10, "opinions": opinions, "unlock": []}
    reviewer.call("POST", f"{path}/return", json=body, etag=version(reviewer, again))
    for opinion in applicant.call("GET", f"/applications/{again}/opinions").json():
        reply = {"reply": "已核对并改正。"}
        applicant.call("PUT", f"/applications/{again}/opinions/{opinion['id']}", json=reply)
    found = applicant.call("GET", f"/applications/{again}/sections/company").json()
    values = found["saved"] | {"registered_address": "北京市海淀区学院路20号"}
    applicant.call("PUT", f"/applications/{again}/sections/company", json={"values": values}, etag=found["etag"])
    submit(applicant, again)
    reviewer.call("POST", f"{path}/lease", json={})
    scored = cases[1]
    for action in ("accept", "pass"):
        reviewer.call("POST", f"/review/applications/{scored}/lease", json={})
        etag = version(reviewer, scored)
        reviewer.call("POST", f"/review/applications/{scored}/{action}", json={}, etag=etag)
    choices = reviewer.call("GET", f"/review/applications/{scored}/experts").json()["choices"]
    given = {"experts": [choice["account"] for choice in choices]}
    path = f"/review/applications/{scored}/experts"
    reviewer.call("PUT", path, json=given, etag=version(reviewer, scored))
    expert = system.person("zhuanjia1")
    return {
        "审核页面": partial(reviewer.page, f"/review/{again}"),
        "申报受理": partial(reviewer.page, "/review?state=pending_acceptance,form_review"),
        "专家评审": partial(expert.page, f"/expert/{scored}"),
    }


if __name__ == "__main__":
    compare(played)
