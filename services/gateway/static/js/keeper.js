// Keeps what is typed: 暂存 by itself a moment after the last key, again with growing pauses while the line is
// bad, and always saying what is kept and what is not. Nothing is sent in the middle of a composition (an input method's
// unfinished word), and nobody leaves while a file is on its way without being asked.
import { clockTime } from "./clock.js";
import { NotSignedIn, onReturn, send } from "./session.js";

// The server says how long after the last key; a little by chance, so that not everybody keeps at the same moment.
const chance = (milliseconds) => milliseconds * (0.8 + 0.4 * Math.random());
const CHOSEN = 300;
const LONGEST = 30000;

export class Keeper {
  constructor(form) {
    this.form = form;
    this.pause = Number(form.dataset.autosave || 2) * 1000;
    this.line = form.querySelector("[data-kept]");
    this.dirty = false;
    this.version = 0;
    this.failures = 0;
    this.keptAt = -Infinity;
    this.running = null;
    this.stopped = false;  // by a conflict: the person decides first
    this.signedOut = "";  // "out", or "other" for another account
    this.composing = false;
    this.uploads = new Set();
    this.resumed = [];  // what else goes on once the person is back
    form.addEventListener("compositionstart", () => { this.composing = true; });
    for (const end of ["compositionend", "focusout"]) form.addEventListener(end, () => this.composed());
    onReturn(() => {
      if (!this.signedOut) return;
      this.dirty = true;
      this.keep();
    });
    addEventListener("online", () => { if (this.dirty) this.keep(); });
    addEventListener("visibilitychange", () => { if (document.hidden && this.dirty) this.keep(); });
  }

  // `chosen`: what follows from a choice is to be seen at once.
  touched(chosen = false) {
    this.dirty = true;
    this.version += 1;
    if (!this.stopped && !this.signedOut && !this.composing) this.say("正在填写，稍后自动暂存…");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), chosen ? CHOSEN : chance(this.pause));
  }

  // What was typed is done with: what follows from it is to be seen, yet never more often than the server asks for.
  soon() {
    if (!this.dirty || this.stopped || this.signedOut || this.composing) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), Math.max(CHOSEN, this.keptAt + this.pause - performance.now()));
  }

  composed() {
    if (!this.composing) return;
    this.composing = false;
    if (this.dirty) this.touched();
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
    if (this.stopped || this.composing || !this.dirty) return;
    if (this.running) return this.running;
    this.running = this.once().finally(() => { this.running = null; });
    return this.running;
  }

  async once() {
    const version = this.version;
    let answer;
    try {
      answer = await this.post("draft");
    } catch (error) {
      if (error instanceof NotSignedIn) this.leave(error.state);
      else this.later();
      return false;
    }
    this.back();
    if (answer.ok) {
      const kept = await answer.json();
      this.form.elements.etag.value = kept.etag;
      this.form.elements.base.value = kept.base;
      this.failures = 0;
      this.keptAt = performance.now();
      this.said = `${clockTime(kept.at)} 已暂存，尚未提交`;
      this.say(this.said);
      if (version === this.version) this.dirty = false;
      else this.touched();
      if (this.onKept) await this.onKept(kept);
      return true;
    }
    await this.trouble(answer, "draft");
    return false;
  }

  post(action) {
    return send(this.form.getAttribute("action"), () => ({  // .action is a button here
      method: "POST",
      body: this.body(action),
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout?.(30000),
    }));
  }

  later(seconds = 0) {
    this.failures += 1;
    const pause = Math.max(seconds * 1000, chance(Math.min(LONGEST, 2000 * 2 ** (this.failures - 1))));
    this.say(`连接不上，尚未暂存。内容仍在本页，${Math.round(pause / 1000)} 秒后自动重试`, "fault");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), pause);
  }

  async trouble(answer, action) {
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 412) return this.conflict();
    if (answer.status === 429 || answer.status >= 500) return this.later(Number(answer.headers.get("Retry-After") || 0));
    this.say(`${problem.detail || "未能暂存"}（内容仍在本页）`, "fault");
    if (action !== "draft") this.release();
  }

  // A file on its way, until `done` is settled.
  carries(done) {
    this.uploads.add(done);
    done.finally(() => this.uploads.delete(done));
  }

  // Every file has arrived or failed. False when some failed and the person would rather look at them first.
  async arrived() {
    while (this.uploads.size) {
      this.say(`还有 ${this.uploads.size} 个文件正在上传，传完后自动继续，请不要关闭本页…`);
      await Promise.all(this.uploads);
    }
    const failed = this.form.querySelectorAll("[data-files] .error").length;
    if (!failed || window.confirm(`有 ${failed} 个文件没有上传成功，不会随表单保存。仍要继续吗？`)) return true;
    this.say("有文件没有上传成功，请重试或移除后再继续", "fault");
    return false;
  }

  // 暂存, 保存表单, 保存并提交申请, 放弃修改 by their buttons. A line lost in the middle leaves the page as it is.
  async send(action, button) {
    if (this.sending) return;
    this.sending = button;
    button?.setAttribute("aria-busy", "true");
    if (action !== "draft" && !(await this.arrived())) return this.release();
    if (this.stopped) return this.merge();
    clearTimeout(this.timer);
    if (this.running) await this.running;
    if (action === "draft") {
      this.dirty = true;
      await this.keep();
      return this.release();
    }
    this.say({ save: "正在保存…", submit: "正在保存并提交…", discard: "正在恢复…" }[action]);
    // What is typed from now on would come too late to be submitted.
    this.form.inert = action === "submit";
    const version = this.version;
    let answer;
    try {
      answer = await this.post(action);
    } catch (error) {
      if (error instanceof NotSignedIn) this.leave(error.state);
      else this.say({
        save: "网络中断，尚未保存。内容仍在本页，请稍后再次点击“保存表单”",
        submit: "网络中断，不能确定是否已经提交。内容仍在本页，请到“我的项目”查看，尚未提交的请再次点击",
        discard: "网络中断，请稍后再试",
      }[action], "fault");
      this.failures = 0;
      return this.release();
    }
    this.back();
    if (!answer.ok) {
      await this.trouble(answer, action);
      return this.release();
    }
    const done = await answer.json();
    this.dirty = false;
    const to = new URL(done.location, location.href);
    if (done.etag && (this.version !== version || this.uploads.size)) {
      await this.follow(done);
      // What the server has at hand is the page as it was saved.
      to.searchParams.set("typed", "1");
    }
    if (to.pathname === location.pathname && to.search === location.search) {
      location.hash = to.hash;
      location.reload();
    } else {
      location.assign(to);
    }
  }

  // What was typed or chosen while 保存表单 was under way goes with a 暂存 of its own.
  async follow(saved) {
    this.form.elements.etag.value = saved.etag;
    this.form.elements.base.value = saved.base;
    while (this.uploads.size) await Promise.all(this.uploads);
    this.dirty = true;
    await this.keep();
  }

  release() {
    this.sending?.removeAttribute("aria-busy");
    this.sending = null;
    this.form.inert = false;
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

  leave(state = "out") {
    const before = this.signedOut;
    this.signedOut = state;
    this.release();
    if (before === state && this.line.querySelector("a")) return;
    const other = state === "other";
    this.say(other ? "浏览器中现在登录的是另一账号，尚未暂存，也不会存到该账号。内容仍在本页，请" : "登录已过期，尚未暂存。内容仍在本页，请", "fault");
    const link = document.createElement("a");
    link.href = other ? "/" : "/login?next=/signed-in";
    link.target = "_blank";
    link.rel = "opener";
    link.textContent = other ? "在新窗口退出该账号" : "在新窗口登录";
    this.line.append(link, other ? "，登录原来的账号，再回到这里" : "，再回到这里");
  }

  // The page is its owner's again.
  back() {
    if (!this.signedOut) return;
    this.signedOut = "";
    for (const act of this.resumed.splice(0)) act();
  }
}
