"""Tell the story: fill, submit, PDF, returned, e-mail, corrected, submitted again, second PDF."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import rfc8785

from deploy.demo.client import Note, Person, Unexpected
from deploy.demo.values import REWARD_SLOTS, file_for, reward_values
from shared import clock

PASSWORD, CAPTCHA = "Demo#2024", "8888"
PDF_SECONDS = MAIL_SECONDS = 60
OPINIONS = [
    {"section": "fund_plan", "field": "bank_name", "text": "开户银行请填写全称，与开户许可证一致。"},
    {"section": "contact", "field": "contact_phone", "text": "联系电话无人接听，请核对后重新填写。"},
]


@dataclass(frozen=True)
class Teller:
    """How the story is told: chapters for people, every call for the transcript."""

    say: Callable[[str], None]
    note: Note
    folder: Path


def must(holds: bool, what: str) -> None:
    """The story ends here unless this holds."""
    if not holds:
        raise Unexpected(what)


class Story:
    """One enterprise, one reviewer, one application."""

    def __init__(
        self, url: str, mail_page: str, teller: Teller, person: Callable[[str, str, Note], Person] = Person
    ) -> None:
        """`person`: makes who signs in, where another identity provider than the stub is asked."""
        self._teller = teller
        self._mail_page = mail_page
        self.applicant = person(url, "qiye1", teller.note)
        self.reviewer = person(url, "shencha", teller.note)
        self.id = ""
        self.number = ""
        self.values: dict[str, dict[str, Any]] = {}
        self.labels: list[str] = []

    def tell(self) -> None:
        """All of it; `Unexpected` where it goes wrong."""
        try:
            self._tell(self._teller.say)
        finally:
            self.applicant.close()
            self.reviewer.close()

    def _tell(self, say: Callable[[str], None]) -> None:
        me = self.applicant.sign_in(PASSWORD, CAPTCHA)
        say(f"signed in: {me['enterprise']['name']}")
        self._create()
        self._incomplete_is_refused()
        self._fill()
        self._submit(1)
        self._pdf(1)
        self._returned()
        self._mail()
        self._correct()
        self._submit(2)
        self._pdf(2)
        say("the second submission has its own PDF")

    @property
    def _path(self) -> str:
        return f"/applications/{self.id}"

    def _view(self, person: Person) -> dict[str, Any]:
        found: dict[str, Any] = person.call("GET", self._path).json()
        return found

    def _create(self) -> None:
        rounds = self.applicant.call("GET", "/rounds").json()
        open_round = next((r for r in rounds if r["is_open"] and r["fund_type"] == "reward"), None)
        if open_round is None:
            raise Unexpected("no open round of 奖励类")
        made = self.applicant.call("POST", "/applications", json={"round_id": open_round["id"]}, key=True).json()
        self.id = made["id"]
        self.labels = [s["label"] for s in made["sections"]]
        company = self.applicant.call("GET", f"{self._path}/sections/company").json()
        must(bool(company["prefill"]), "nothing was brought along from the registry")
        self._teller.say(
            f"started an application in “{open_round['title']}”, {len(company['prefill'])} fields prefilled"
        )

    def _incomplete_is_refused(self) -> None:
        etag = str(self._view(self.applicant)["version"])
        refused = self.applicant.call(
            "POST", f"{self._path}/submit", json={}, etag=etag, key=True, expect=422
        ).json()
        must(len(refused["errors"]) >= len(self.labels), "an empty application was not refused section by section")
        self._teller.say(f"an incomplete submission is refused: {refused['detail']}")
        for error in refused["errors"][:8]:
            self._teller.say(f"    · {error['message']}")

    def _save(self, key: str, values: dict[str, Any]) -> None:
        path = f"{self._path}/sections/{key}"
        etag = self.applicant.call("GET", path).json()["etag"]
        kept = self.applicant.call("PUT", f"{path}/draft", json={"values": values}, etag=etag).json()
        saved = self.applicant.call("PUT", path, json={"values": values}, etag=kept["etag"]).json()
        self.values[key] = saved["values"]

    def _fill(self) -> None:
        files: dict[str, list[str]] = {}
        for slot, section in REWARD_SLOTS.items():
            name, content = file_for(slot)
            made = self.applicant.call(
                "POST",
                f"{self._path}/attachments",
                params={"section": section, "slot": slot},
                files={"file": (name, content)},
            )
            files[slot] = [made.json()["id"]]
        for key, values in reward_values(files, name="景泰蓝国礼《和平尊》").items():
            self._save(key, values)
        checks = self.applicant.call("GET", f"{self._path}/checks").json()
        must(
            all(c["holds"] for c in checks if c["severity"] == "error"), "a check between materials does not hold"
        )
        self._teller.say(
            f"filled {len(self.values)} materials (暂存, then 保存表单), {len(files)} attachments; "
            f"{len(checks)} checks between them hold"
        )

    def _submit(self, revision: int) -> None:
        etag = str(self._view(self.applicant)["version"])
        body = self.applicant.call("POST", f"{self._path}/submit", json={}, etag=etag, key=True).json()
        receipt = body["receipt"]
        must(receipt["revision"] == revision, f"revision {receipt['revision']} instead of {revision}")
        must(self.number in ("", receipt["number"]), "the number changed")
        self.number = receipt["number"]
        snapshot = self.applicant.call("GET", f"{self._path}/revisions/{revision}").json()
        sha256 = hashlib.sha256(rfc8785.dumps(snapshot["content"])).hexdigest()
        must(sha256 == receipt["sha256"], "the receipt's digest is not that of the snapshot")
        self._teller.say(
            f"submitted: {self.number}, revision {revision}, received {receipt['received_at']}, "
            f"SHA-256 {sha256[:16]}…, signed receipt"
        )

    def _pdf(self, revision: int) -> None:
        path = f"{self._path}/revisions/{revision}/pdf"
        self.applicant.call("POST", path, expect=(200, 202))
        content = self.applicant.wait_for(path, PDF_SECONDS).content
        file = self._teller.folder / f"{self.number}-第{revision}版.pdf"
        file.write_bytes(content)
        text = "".join(_pdf_text(content).split())
        total = sum((Decimal(row["amount_wan"]) for row in self.values["fund_plan"]["plan_items"]), Decimal())
        expected = [self.number, self.values["contact"]["project_name"], f"{total:.2f}", *self.labels]
        missing = [item for item in expected if "".join(item.split()) not in text]
        must(not missing, f"the PDF does not say {missing}")
        self._teller.say(f"PDF of revision {revision}: {file} ({len(content) // 1024} KB)")

    def _returned(self) -> None:
        self.reviewer.sign_in(PASSWORD, CAPTCHA)
        queue = self.reviewer.call("GET", "/review/applications", params={"q": self.number}).json()["items"]
        must([a["id"] for a in queue] == [self.id], "the application is not in the reviewer's queue")
        leased = self.reviewer.call("POST", f"/review/applications/{self.id}/lease", json={}).json()
        day = clock.today() + timedelta(days=7)
        correct_by = datetime.combine(day, clock_time(18), clock.SHANGHAI)
        body = {"correct_by": correct_by.isoformat(), "opinions": OPINIONS}
        path = f"/review/applications/{self.id}/return"
        state = self.reviewer.call("POST", path, json=body, etag=str(leased["version"])).json()["state_label"]
        self._teller.say(f"the reviewer returns it with {len(OPINIONS)} opinions: {state}")

    def _mail(self) -> None:
        until = time.monotonic() + MAIL_SECONDS
        with httpx.Client(base_url=self._mail_page, trust_env=False) as sink:
            while not (found := [m for m in sink.get("/messages.json").json() if self._is_ours(m)]):
                must(time.monotonic() < until, f"no mail about the return within {MAIL_SECONDS} s")
                time.sleep(0.3)
            for mail in sink.get("/messages.json").json():
                if self.number in mail["text"]:
                    raw = sink.get(f"/messages/{mail['name']}").content
                    (self._teller.folder / mail["name"]).write_bytes(raw)
            content = sink.get(f"/messages/{found[0]['name']}").content
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        for kind in ("plain", "html"):
            body = message.get_body((kind,))
            text = body.get_content() if body else ""
            for opinion in OPINIONS:
                must(opinion["text"] in text, f"the mail's {kind} body lacks an opinion")
            must(f"/applications/{self.id}/opinions" in text, f"the mail's {kind} body lacks the link")
        self._teller.say(f"e-mail to {message['To']}: {message['Subject']}")

    def _is_ours(self, mail: dict[str, str]) -> bool:
        return self.number in mail["text"] and all(o["text"] in mail["text"] for o in OPINIONS)

    def _correct(self) -> None:
        opinions = self.applicant.call("GET", f"{self._path}/opinions").json()
        etag = str(self._view(self.applicant)["version"])
        self.applicant.call("POST", f"{self._path}/submit", json={}, etag=etag, key=True, expect=409)
        bank = {"bank_name": "中国工商银行股份有限公司北京朝阳支行"}
        self._save("fund_plan", self.values["fund_plan"] | bank)
        self._save("contact", self.values["contact"] | {"contact_phone": "010-58511091"})
        for opinion in opinions:
            body = {"reply": f"已按意见修改“{opinion['field_label']}”。"}
            self.applicant.call("PUT", f"{self._path}/opinions/{opinion['id']}", json=body)
        self._teller.say(f"{len(opinions)} opinions read, two materials corrected, every opinion answered")


def _pdf_text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
