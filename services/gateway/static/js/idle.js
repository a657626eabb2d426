// Says before a session ends of itself that it will, in every tab: any call of any tab keeps it alive, so all of
// them count from the last one. 继续使用 is such a call. What was typed stays on the page either way.
import { renew } from "./session.js";

const SEEN = "gm-seen";
const BEFORE = 5 * 60000;
const idle = Number(document.documentElement.dataset.idle) * 60000;
const before = Math.min(BEFORE, idle / 3);
let flash;

function seen(at = Date.now()) {
  localStorage.setItem(SEEN, String(at));
}

export function watchIdle() {
  seen();
  // Whatever a module asks of the portal counts; files that never change and the stream do not.
  new PerformanceObserver((list) => {
    const calls = list.getEntries().filter((entry) => entry.initiatorType === "fetch" && !entry.name.includes("/static/"));
    // Counted from when the answer came: a computer that slept hears of it when it wakes.
    const ago = performance.now() - Math.max(...calls.map((entry) => entry.responseEnd));
    if (calls.length) seen(Math.max(Number(localStorage.getItem(SEEN)), Date.now() - Math.max(0, ago)));
  }).observe({ type: "resource" });
  setInterval(look, 5000);
  addEventListener("visibilitychange", look);
}

function look() {
  const left = Number(localStorage.getItem(SEEN)) + idle - Date.now();
  if (left > before) return hide();
  if (left > 0) {
    show(`您已较长时间没有操作，约 ${Math.max(1, Math.ceil(left / 60000))} 分钟后将自动退出登录。`, "继续使用", stay);
  } else {
    show("您已较长时间没有操作，登录已自动结束。本页内容仍在，请重新登录后继续。", "在新窗口登录", () => {
      window.open("/login?next=/signed-in", "_blank");
    });
  }
}

async function stay() {
  const state = await renew().catch(() => "out");
  if (state === "mine") {
    seen();
    hide();
  } else if (state === "other") {
    show("浏览器中现在登录的是另一账号。本页内容仍在，请退出该账号，重新登录原来的账号后继续。", "打开首页", () => {
      window.open("/", "_blank");
    });
  } else {
    seen(Date.now() - idle);
    look();
  }
}

function show(text, action, act) {
  if (!flash) {
    flash = document.createElement("div");
    flash.className = "flash";
    flash.dataset.idle = "";
    flash.setAttribute("role", "alert");
    flash.append(document.createElement("p"), document.createElement("button"));
    flash.lastChild.type = "button";
    document.querySelector("[data-flashes]").append(flash);
  }
  // Said anew only when there is something new to say: a screen reader reads every change.
  if (flash.firstChild.textContent === text) return;
  flash.firstChild.textContent = text;
  flash.lastChild.textContent = action;
  flash.lastChild.onclick = act;
}

function hide() {
  flash?.remove();
  flash = undefined;
}
