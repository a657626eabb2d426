// Keeps what is typed: 暂存 by itself a moment after the last key, again with growing pauses while the line is
// bad, and always saying what is kept and what is not.
import { clockTime } from "./clock.js";
import { onReturn, renew } from "./session.js";
import { follow, restore } from "./standing.js";

const PAUSE = 1500;
const LONGEST = 30000;

export class Keeper {
  constructor(form) {
    this.form = form;
    this.line = form.querySelector("[data-kept]");
    this.dirty = false;
    this.version = 0;
    this.failures = 0;
    this.running = null;
    this.stopped = false;  // by a conflict: the person decides first
    if (restore()) this.say("本页已按所填内容更新需要填写的项目");
    onReturn(() => { if (this.signedOut) this.back(); });
    addEventListener("online", () => { if (this.dirty) this.keep(); });
    addEventListener("visibilitychange", () => { if (document.hidden && this.dirty) this.keep(); });
  }

  touched() {
    this.dirty = true;
    this.version += 1;
    if (!this.stopped && !this.signedOut) this.say("正在填写，稍后自动暂存…");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), PAUSE);
  }

  say(text, state = "") {
    this.line.dataset.state = state;
    if (this.line.textContent !== text) this.line.textContent = text;
  }

  body(action) {
    const data = new FormData(this.form);
    for (const input of this.form.querySelectorAll("input[type=file]")) data.delete(input.name);
    data.set("action", action);
    return data;
  }

  // 暂存, one at a time; what is typed meanwhile goes with the next.
  async keep() {
    if (this.stopped || this.signedOut || !this.dirty) return;
    if (this.running) return this.running;
    this.running = this.once().finally(() => { this.running = null; });
    return this.running;
  }

  async once() {
    const version = this.version;
    let answer;
    try {
      answer = await this.post("draft");
    } catch {
      return this.later();
    }
    if (answer.ok) {
      const kept = await answer.json();
      this.form.elements.etag.value = kept.etag;
      this.form.elements.base.value = kept.base;
      this.failures = 0;
      this.say(`${clockTime(kept.at)} 已暂存，尚未提交`);
      if (version !== this.version) {
        this.touched();
        return true;
      }
      this.dirty = false;
      follow(this.form, kept);
      return true;
    }
    await this.trouble(answer, "draft");
    return false;
  }

  post(action) {
    return fetch(this.form.getAttribute("action"), {  // .action is a button here
      method: "POST",
      body: this.body(action),
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout?.(30000),
    });
  }

  later(seconds = 0) {
    this.failures += 1;
    const pause = Math.max(seconds * 1000, Math.min(LONGEST, 2000 * 2 ** (this.failures - 1)));
    this.say(`连接不上，尚未暂存。内容仍在本页，${Math.round(pause / 1000)} 秒后自动重试`, "fault");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), pause);
  }

  async trouble(answer, action) {
    if (answer.status === 401) return this.leave();
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 403 && problem.type === "csrf") return this.back();
    if (answer.status === 412) return this.conflict();
    if (answer.status === 429 || answer.status >= 500) return this.later(Number(answer.headers.get("Retry-After") || 0));
    this.say(`${problem.detail || "未能暂存"}（内容仍在本页）`, "fault");
    if (action !== "draft") this.release();
  }

  // 暂存, 保存表单, 放弃修改 by their buttons. A line lost in the middle leaves the page as it is.
  async send(action, button) {
    if (this.sending) return;
    if (this.stopped) return this.merge();
    this.sending = button;
    clearTimeout(this.timer);
    button?.setAttribute("aria-busy", "true");
    if (this.running) await this.running;
    if (action === "draft") {
      this.dirty = true;
      await this.keep();
      return this.release();
    }
    this.say(action === "save" ? "正在保存…" : "正在恢复…");
    let answer;
    try {
      answer = await this.post(action);
    } catch {
      this.say(action === "save" ? "网络中断，尚未保存。内容仍在本页，请稍后再次点击“保存表单”" : "网络中断，请稍后再试", "fault");
      this.failures = 0;
      return this.release();
    }
    if (!answer.ok) {
      await this.trouble(answer, action);
      return this.release();
    }
    const { location: next } = await answer.json();
    this.dirty = false;
    const to = new URL(next, location.href);
    if (to.pathname === location.pathname && to.search === location.search) {
      location.hash = to.hash;
      location.reload();
    } else {
      location.assign(to);
    }
  }

  release() {
    this.sending?.removeAttribute("aria-busy");
    this.sending = null;
  }

  conflict() {
    this.stopped = true;
    this.say("此项材料在另一处也被修改了，尚未暂存。", "fault");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = "比较并合并";
    button.addEventListener("click", () => this.merge());
    this.line.append(" ", button);
    this.release();
  }

  // The server shows both copies; this page's own goes with the form.
  merge() {
    this.dirty = false;
    const action = document.createElement("input");
    action.type = "hidden";
    action.name = "action";
    action.value = "draft";
    this.form.append(action);
    for (const input of this.form.querySelectorAll("input[type=file]")) input.disabled = true;
    this.form.submit();
  }

  leave() {
    this.signedOut = true;
    this.say("登录已过期，尚未暂存。内容仍在本页，请", "fault");
    const link = document.createElement("a");
    link.href = "/login?next=/signed-in";
    link.target = "_blank";
    link.rel = "opener";
    link.textContent = "在新窗口登录";
    this.line.append(link, "，再回到这里");
    this.release();
  }

  async back() {
    if (!(await renew().catch(() => false))) return this.leave();
    this.signedOut = false;
    this.say("已重新登录");
    this.dirty = true;
    await this.keep();
  }
}
