// 闪信: live notices. One tab holds the stream and tells the others; without a stream they ask now and then.
// Nobody's session is kept alive by a page that nobody uses.
import { left } from "./clock.js";
import { owns } from "./session.js";

const KEY = "gm-live";
const channel = new BroadcastChannel("gm-events");
const idle = Number(document.documentElement.dataset.idle) * 60000;
const applicant = (document.documentElement.dataset.roles || "").includes("applicant");
let lastUsed = Date.now();
let streaming = false;

for (const kind of ["pointerdown", "keydown", "scroll"]) {
  addEventListener(kind, () => { lastUsed = Date.now(); localStorage.setItem("gm-used", String(lastUsed)); }, { passive: true });
}
const used = () => Date.now() - Math.max(lastUsed, Number(localStorage.getItem("gm-used") || 0)) < idle * 0.8;
const on = () => localStorage.getItem(KEY) !== "off";

export function live() {
  const button = document.querySelector("[data-live]");
  if (button) {
    button.classList.remove("waiting");
    const show = () => {
      button.setAttribute("aria-checked", String(on()));
      button.title = on() ? "状态变化即时显示在页面上" : "已关闭即时提示";
    };
    show();
    button.addEventListener("click", () => {
      localStorage.setItem(KEY, on() ? "off" : "on");
      show();
      if (on()) hold();
      else channel.postMessage({ type: "stop" });
    });
    addEventListener("storage", show);
  }
  channel.addEventListener("message", (event) => receive(event.data));
  if (on()) hold();
  // What somebody is waiting for on this page, for as long as the page says so.
  const often = () => document.querySelector("[data-every]");
  if (often()) setInterval(() => { if (often() && !document.hidden) refresh(); }, often().dataset.every * 1000);
  if (applicant) {
    unread();
    setInterval(() => { if (on() && !streaming && used() && !document.hidden) poll(); }, 60000);
  } else {
    const asks = [["[data-confirmations]", confirmations], ["[data-messages]", messages]].filter(([place]) => document.querySelector(place)).map(([, ask]) => ask);
    for (const ask of asks) ask();
    if (asks.length) setInterval(() => { if (on() && used() && !document.hidden) for (const ask of asks) ask(); }, 60000);
  }
}

// Whoever has the lock has the stream; when that tab is closed the next one takes over.
function hold() {
  if (!navigator.locks) return;  // no lock without https: pages ask now and then
  navigator.locks.request("gm-stream", stream);
}

function stream() {
  return new Promise((release) => {
    let source;
    const stop = () => { source?.close(); streaming = false; channel.removeEventListener("message", onStop); release(); };
    const onStop = (event) => { if (event.data.type === "stop") stop(); };
    channel.addEventListener("message", onStop);
    const open = () => {
      if (!on()) return stop();
      if (!used()) return setTimeout(open, 10000);
      source = new EventSource("/api/v1/events");
      source.onopen = () => { streaming = true; };
      for (const type of ["application.state", "document.ready", "notification.new", "refresh"]) {
        source.addEventListener(type, (event) => {
          const told = { type, ...JSON.parse(event.data) };
          channel.postMessage(told);
          receive(told);
        });
      }
      source.onerror = () => {
        source.close();
        streaming = false;
        setTimeout(open, 5000 + Math.random() * 5000);
      };
    };
    open();
  });
}

function receive(told) {
  if (told.type === "stop" || !on()) return;
  window.dispatchEvent(new CustomEvent("gm-event", { detail: told }));
  if (told.type === "notification.new" || told.type === "refresh") unread(told.type === "notification.new");
  if (told.type === "application.state") {
    flash(`项目${told.name ? `“${told.name}”` : ""}状态：${told.label}`, applicant ? `/applications/${told.application_id}/view` : `/review/${told.application_id}`);
    refresh();
  }
  if (told.type === "refresh") refresh();
}

function poll() {
  unread();
  refresh();
}

// Lists that say so are fetched anew and put in place; what is being typed is never touched.
async function refresh() {
  const list = document.querySelector("[data-refresh]");
  const busy = () => list.contains(document.activeElement);
  if (!list || busy()) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.querySelector("[data-refresh]");
  if (!found || !owns(page) || busy()) return;
  for (const element of found.querySelectorAll("[data-until]")) element.textContent = left(Date.parse(element.dataset.until) - Date.now());
  list.replaceWith(document.adoptNode(found));
}

// How many things wait for this person as the second of two.
async function confirmations() {
  const answer = await fetch("/api/v1/confirmations", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { mine } = await answer.json();
  for (const place of document.querySelectorAll("[data-confirmations]")) {
    place.hidden = !mine.length;
    place.querySelector(".count").textContent = String(mine.length);
  }
}

// How much of what this person was told is unread.
async function messages() {
  const answer = await fetch("/api/v1/messages/unread", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { unread } = await answer.json();
  for (const place of document.querySelectorAll("[data-messages]")) {
    place.hidden = !unread;
    place.querySelector(".count").textContent = unread > 99 ? "99+" : String(unread);
  }
}

let known = null;
async function unread(say = false) {
  if (!applicant) return;
  const answer = await fetch("/api/v1/notifications", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const inbox = await answer.json();
  for (const place of document.querySelectorAll("[data-unread]")) {
    place.hidden = !inbox.unread;
    place.querySelector(".count").textContent = String(inbox.unread);
  }
  if (say && known !== null && inbox.unread > known) flash(`站内信：${inbox.items[0].title}`, "/notifications");
  known = inbox.unread;
}

function flash(text, href) {
  const place = document.querySelector("[data-flashes]");
  const box = document.createElement("div");
  box.className = "flash";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "link";
  close.textContent = "关闭";
  close.addEventListener("click", () => box.remove());
  const link = document.createElement("a");
  link.href = href;
  link.textContent = text;
  box.append(close, link);
  place.append(box);
  // On a phone one is enough above a form; a warning that the session ends stays.
  const most = document.body.matches(".has-bar") && matchMedia("(max-width: 860px)").matches ? 1 : 3;
  for (const old of [...place.querySelectorAll(".flash:not([data-idle])")].slice(0, -most)) old.remove();
}
