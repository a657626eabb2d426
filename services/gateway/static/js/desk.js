// A case is read and written on without leaving the page: 提意见 and the return beside it are fetched and put in place, as the server made them.
// What is not replaced stays as it was: where one reads, and the attachment one looks at. Without this every form works as a page.
import { guard } from "./guard.js";
import { owns } from "./session.js";

const WIDTH = "gm-viewer";
const panel = () => document.querySelector("[data-panel]");
const typed = { panel: false, beside: false };
let busy = false;

export function desk() {
  guard(() => typed.panel || typed.beside);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.opine, #panel a.button");
    if (!link || !panel() || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    // 取消 gives up what stands in its form; everything else that was typed stays.
    const given = link.matches(".opine") ? null : document.getElementById("opine");
    put(fetch(link.href, { headers: { Accept: "text/html" } }), given).then((done) => {
      if (done) document.getElementById("opine-text")?.focus({ preventScroll: true });
      else location.assign(link.href);
    });
  });
  document.addEventListener("submit", (event) => {
    const within = event.target.closest("[data-panel], [data-beside]");
    if (!within) return;
    event.preventDefault();
    const form = event.target;
    const data = new FormData(form, event.submitter);
    const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
    // Buttons are called action: the attribute, not the property, is the address.
    const sent = fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html" } });
    const place = within.matches("[data-beside]") ? beside : put;
    place(sent, form).then((done) => { if (!done) say("未能发送，请检查网络后重试；已填写的内容仍在。", document.getElementById(within.id)); });
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest("[data-panel]")) typed.panel = true;
    if (event.target.closest("[data-beside]")) typed.beside = true;
  });
  turning();
  widening();
}

// The page that an answer brought, or null.
async function pageOf(asked) {
  const answer = await asked.catch(() => null);
  const text = answer && (answer.headers.get("Content-Type") || "").startsWith("text/html") ? await answer.text().catch(() => null) : null;
  const page = text && new DOMParser().parseFromString(text, "text/html");
  return page && owns(page) ? page : null;
}

// Put what colleagues told each other in place, as the answer has it; the rest of the page stays, but for the record of what was done.
async function beside(asked, done) {
  if (busy) return true;
  busy = true;
  const here = document.getElementById("colleagues");
  here.setAttribute("aria-busy", "true");
  const page = await pageOf(asked);
  busy = false;
  here.removeAttribute("aria-busy");
  const found = page?.getElementById("colleagues");
  if (!found) return false;
  typed.beside = carry(here, found, done);
  for (const details of here.querySelectorAll("details[open]")) found.querySelector(`#${details.id}`)?.setAttribute("open", "");
  here.replaceWith(found);
  const timeline = page.getElementById("timeline");
  if (timeline) document.getElementById("timeline")?.replaceWith(timeline);
  const told = found.querySelector("[role=alert]");
  if (told) told.scrollIntoView({ block: "nearest" });
  else say(page.querySelector("main > .notice.done")?.textContent || "", found);
  return true;
}

// Put what an answer says of the case in place of what stands there; what was typed stays, but for the form that was sent or given up. False where
// no page of this case came.
async function put(asked, done) {
  if (busy) return true;
  busy = true;
  panel().setAttribute("aria-busy", "true");
  const page = await pageOf(asked);
  busy = false;
  panel()?.removeAttribute("aria-busy");
  const found = page?.querySelector("#panel");
  if (!found) return false;
  if (!found.matches("[data-panel]")) {
    // Returned, or taken by somebody else: another page of the same case; what was written for colleagues goes with it.
    const next = page.getElementById("colleagues");
    typed.beside = Boolean(next) && carry(document.getElementById("colleagues"), next, null);
    typed.panel = false;
    document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
    scrollTo(0, 0);
    return true;
  }
  typed.panel = carry(panel(), found, done);
  panel().replaceWith(found);
  for (const part of page.querySelectorAll(".material, #opinions")) {
    const here = document.getElementById(part.id);
    if (here) here.replaceWith(part);
  }
  const fault = found.querySelector("[role=alert]") || page.querySelector("main > [role=alert]");
  say((fault || page.querySelector("main > .notice.done"))?.textContent || "");
  return true;
}

// Take what was typed and not sent from one panel to the next; whether there was anything.
function carry(from, to, done) {
  let kept = false;
  const written = (field) => (field.matches("select") ? [...field.options].some((o) => o.selected !== o.defaultSelected) : field.value !== field.defaultValue);
  for (const form of from.querySelectorAll("form")) {
    if (form === done) continue;
    const fields = [...form.elements].filter((field) => field.matches("textarea, select, input[type=date]") && field.name !== "place" && written(field));
    if (fields.length && form.id === "opine" && !to.querySelector("#opine")) to.prepend(form);
    else for (const field of fields) {
      const next = to.querySelector(`[name="${CSS.escape(field.name)}"]`);
      if (next) next.value = field.value;
    }
    kept ||= fields.length > 0;
  }
  return kept;
}

// What came of it, said where one writes, and to screen readers.
function say(text, place = panel()) {
  if (!text || !place || place.querySelector("[role=alert]")) return;
  const line = document.createElement("p");
  line.className = "help";
  line.setAttribute("role", "status");
  line.textContent = text;
  place.prepend(line);
}

// Scans that were put in the wrong way round are turned by quarters.
function turning() {
  const button = document.querySelector("[data-turn]");
  if (!button) return;
  let quarters = 0;
  button.hidden = false;
  button.addEventListener("click", () => {
    quarters = (quarters + 1) % 4;
    for (const image of document.querySelectorAll(".pages img")) image.dataset.quarters = String(quarters);
  });
}

// The line between materials and attachments is dragged, or moved by arrow keys; the browser keeps where it stands.
function widening() {
  const place = document.querySelector(".case");
  const read = place?.querySelector(".read");
  if (!read) return;
  const line = document.createElement("div");
  line.className = "divider";
  line.tabIndex = 0;
  line.setAttribute("role", "separator");
  line.setAttribute("aria-orientation", "vertical");
  line.setAttribute("aria-label", "调整材料与附件的宽度");
  const set = (share) => {
    const kept = Math.round(Math.max(30, Math.min(75, share)));
    place.style.setProperty("--read", `${kept}fr`);
    place.style.setProperty("--look", `${100 - kept}fr`);
    line.setAttribute("aria-valuenow", String(kept));
    return kept;
  };
  let share = set(Number(localStorage.getItem(WIDTH)) || 60);
  const keep = () => localStorage.setItem(WIDTH, String(share));
  line.addEventListener("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    const move = ({ clientX }) => {
      const { left, width } = place.getBoundingClientRect();
      share = set((clientX - left) / width * 100);
    };
    line.addEventListener("pointermove", move);
    line.addEventListener("pointerup", () => { line.removeEventListener("pointermove", move); keep(); }, { once: true });
  });
  line.addEventListener("keydown", ({ key }) => {
    const by = { ArrowLeft: -3, ArrowRight: 3 }[key];
    if (by) { share = set(share + by); keep(); }
  });
  read.after(line);
}
