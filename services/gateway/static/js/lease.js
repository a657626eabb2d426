// A lease goes on while somebody works: it is renewed when a key or the pointer moved since the last look. Without
// this script the page has a button for it. Its assignee goes on with a case that nobody else has taken.
import { send, token } from "./session.js";

export function start() {
  const panel = document.querySelector("[data-lease]");
  const text = panel.querySelector("[data-lease-text]");
  const LOOK_MS = 60_000;
  const begun = Date.now();
  let until = Date.parse(panel.dataset.leaseUntil);
  let length = until - begun;
  let working = false;
  let lost = false;
  for (const sign of ["keydown", "pointermove", "input", "scroll"]) {
    document.addEventListener(sign, () => { working = true; }, { passive: true });
  }
  const say = (message) => { if (text.textContent !== message) text.textContent = message; };
  const clock = (at) => new Date(at).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });

  const renew = async () => {
    const answer = await send(panel.dataset.lease, () => ({
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token() },
      body: "{}",
    }));
    const said = await answer.json();
    if (answer.ok) {
      until = Date.parse(said.lease.until);
      length = until - Date.now();
      say(`由您办理至 ${clock(until)}，操作时自动续期`);
    } else if (answer.status === 409) {
      lost = true;
      say(said.detail);
    }
  };

  const look = async () => {
    if (lost) return;
    const left = until - Date.now();
    try {
      // Only what is still held is renewed by itself: after it ran out, taking it again is a person's choice.
      if (working && document.visibilityState === "visible" && left > 0 && left < length * 0.8) {
        working = false;
        await renew();
        return;
      }
    } catch {
      // The line is down: the next look tries again, and what is left is said meanwhile.
    }
    if (left <= 0) say("leaseOwn" in panel.dataset ? "办理时限已到，其他人可以领取；无人领取时您仍可继续办理" : "办理时限已到，请重新领取后再办理");
    else if (left < 5 * 60_000) say(`办理时限还剩 ${Math.ceil(left / 60_000)} 分钟`);
  };
  setInterval(look, LOOK_MS);
}
