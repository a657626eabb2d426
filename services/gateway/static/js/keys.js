// Keys of the desk, for whoever works through a list without the mouse. What stands on the page says its key (data-key); rows (data-row) are
// gone through by j and k. A key alone is a shortcut only while nobody types, and can be switched off: voices and tremors press keys as well.
const KEY = "gm-keys";
const on = () => localStorage.getItem(KEY) !== "off";
const usable = (element) => element.getClientRects().length > 0 && !element.disabled;
const keyed = () => [...document.querySelectorAll("[data-key]")].filter(usable);
const rows = () => [...document.querySelectorAll("[data-row]")].filter(usable);
const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]");

export function keys() {
  const button = document.querySelector("[data-keys]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", show);
  document.addEventListener("keydown", (event) => {
    if (!on() || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat && !"jk".includes(event.key) || typing(event.target)) return;
    const done = act(event.key);
    if (done) event.preventDefault();
  });
}

function act(key) {
  if (key === "?") return show();
  if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
  if (key === "x") return tick();
  const found = keyed().find((element) => element.dataset.key === key);
  if (!found) return false;
  if (found.matches("input")) found.focus();
  else found.click();
  return true;
}

// The row in which one is; from nowhere, the first.
const here = () => rows().findIndex((row) => row.contains(document.activeElement));

function step(by) {
  const all = rows();
  const row = all[Math.max(0, Math.min(all.length - 1, here() + by))];
  if (!row) return false;
  const place = row.querySelector(".actions a") || row;
  if (place === row) row.tabIndex = -1;
  place.focus({ preventScroll: true });
  row.scrollIntoView({ block: place === row ? "start" : "nearest" });
  return true;
}

function tick() {
  const box = rows()[here()]?.querySelector("input[type=checkbox]");
  if (!box) return false;
  box.click();
  return true;
}

function show() {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const list = document.createElement("dl");
  const all = rows();
  if (all.length) list.append(...line("j", "下一行"), ...line("k", "上一行"));
  if (all.some((row) => row.querySelector(".actions a"))) list.append(...line("Enter", "查看这一件"));
  if (all.some((row) => row.querySelector("input[type=checkbox]"))) list.append(...line("x", "选择或取消选择这一件"));
  for (const element of keyed()) list.append(...line(element.dataset.key, element.placeholder || element.textContent.trim()));
  list.append(...line("?", "本说明"));
  const label = document.createElement("label");
  label.className = "tick";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = on();
  box.addEventListener("change", () => localStorage.setItem(KEY, box.checked ? "on" : "off"));
  label.append(box, " 使用快捷键");
  const close = document.createElement("button");
  close.textContent = "关闭";
  close.addEventListener("click", () => dialog.close());
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = "快捷键";
  dialog.append(title, list, label, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return true;
}

function line(key, said) {
  const term = document.createElement("dt");
  const cap = document.createElement("kbd");
  cap.textContent = key;
  term.append(cap);
  const what = document.createElement("dd");
  what.textContent = said;
  return [term, what];
}
