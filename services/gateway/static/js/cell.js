// One cell of a table: what it holds, and what becomes of a text that was pasted into it. A text that the cell cannot take
// stays in it, visible and marked; it never becomes another value, and never stays behind as the old one.
import { day } from "./dates.js";
import { followers, offer } from "./options.js";
import { count } from "./small.js";

const CONTROLS = "input:not([type=hidden]), select, textarea";

export function controls(cell) {
  return [...cell.querySelectorAll(CONTROLS)];
}

// What undoing puts back.
export function held(cell) {
  return controls(cell).map((input) => ({ checked: input.checked, value: input.value, type: input.type }));
}

export function restore(cell, before) {
  unmark(cell);
  controls(cell).forEach((input, n) => {
    const was = before[n];
    if (!was) return;
    if (input.type === "text" && was.type === "date") input.type = "date";
    input.checked = was.checked;
    if (input.type !== "checkbox" && input.type !== "radio") set(input, was.value);
  });
}

function set(input, value) {
  input.value = value;
  if (input.matches("select")) followers(input).forEach(offer);
  // A choice that is not offered (any more) is shown as one all the same.
  if (input.matches("select") && input.value !== value) {
    input.append(new Option(value, value, false, true));
    input.value = value;
  }
  if (input.matches("textarea[data-max]")) count(input);
}

// Puts a text into the cell. What it cannot take as it is meant is marked; the answer says why, or is empty.
export function take(cell, pasted) {
  const inputs = controls(cell);
  const first = inputs[0];
  const text = pasted.trim();
  unmark(cell);
  if (!first || first.readOnly || first.disabled) {
    return !text || text === (first ? first.value : "") ? "" : mark(cell, `此格不能填写，粘贴的“${text}”没有放入`);
  }
  const fault = first.type === "checkbox" && inputs.length === 1 ? tick(first, text)
    : first.type === "checkbox" || first.type === "radio" ? choose(inputs, text)
      : first.matches("select") ? select(first, text)
        : first.closest("td").matches(".k-date") ? date(first, text)
          : write(first, text);
  return fault && mark(cell, fault);
}

function tick(box, text) {
  const yes = /^(是|有|√|✓|✔|☑|true|yes|y|1)$/i.test(text);
  box.checked = yes;
  return yes || /^(否|无|×|✗|☐|□|false|no|n|0|)$/i.test(text) ? "" : `粘贴的“${text}”不是“是”或“否”，请核对`;
}

function choose(boxes, text) {
  const names = boxes[0].type === "radio" ? [text] : text.split(/[、，,；;\n]+/).map((one) => one.trim());
  const wanted = names.filter(Boolean);
  const labels = boxes.map((box) => box.closest("label").textContent.trim());
  boxes.forEach((box, n) => { box.checked = wanted.includes(labels[n]) || wanted.includes(box.value); });
  const unknown = wanted.filter((name) => !labels.includes(name) && !boxes.some((box) => box.value === name));
  return unknown.length ? `选项中没有粘贴的“${unknown.join("、")}”，请重新选择` : "";
}

function select(list, text) {
  offer(list);
  const plain = (words) => words.normalize("NFKC").replace(/\s/g, "");
  const option = [...list.options].find((one) => text && (plain(one.text) === plain(text) || one.value === text));
  if (option || !text) {
    list.value = option ? option.value : "";
    followers(list).forEach(offer);
    return "";
  }
  set(list, text);
  return "粘贴的内容不在选项中，请重新选择";
}

function date(input, text) {
  const found = text ? day(text) : "";
  if (found === null) input.type = "text";
  else input.type = "date";
  input.value = found === null ? text : found;
  return found === null ? "粘贴的内容不是日期，请改为如 2025-05-01" : "";
}

// Amounts are handed on as they were written: only the service reads them, and refuses what has two readings.
function write(input, text) {
  const line = input.matches("textarea") ? text : text.replace(/\s*\n\s*/g, " ");
  set(input, line);
  if (/^#{3,}$/.test(line)) return "原表格中该列太窄，只复制到了“###”，请加宽后重新复制";
  return input.matches(".number") && line && !/\d/.test(line.normalize("NFKC")) ? "粘贴的内容不是数字，请核对" : "";
}

export function mark(cell, fault) {
  const input = controls(cell)[0];
  const said = document.createElement("span");
  said.className = "error";
  said.dataset.pasted = "";
  said.textContent = fault;
  cell.append(said);
  cell.classList.add("wrong");
  if (!input) return fault;
  said.id = `${input.id || input.name}-pasted`;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") || ""} ${said.id}`.trim());
  return fault;
}

// Somebody has seen to it, or something else was pasted.
export function unmark(cell) {
  const said = cell.querySelector("[data-pasted]");
  if (!said) return;
  said.remove();
  const more = cell.querySelector(".error:not([data-count])");
  if (!more) cell.classList.remove("wrong");
  for (const input of controls(cell)) {
    const ids = (input.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && id !== said.id);
    if (ids.length) input.setAttribute("aria-describedby", ids.join(" "));
    else input.removeAttribute("aria-describedby");
    if (!more) input.removeAttribute("aria-invalid");
  }
}

// A day written by hand where the calendar could not take the text: understood, it is one again.
export function settled(cell) {
  const input = controls(cell)[0];
  if (!cell.matches(".k-date") || !input || input.type !== "text") return;
  const found = day(input.value);
  if (found === null && input.value.trim()) return;
  input.type = "date";
  input.value = found || "";
}
