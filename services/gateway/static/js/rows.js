// Rows of a table: added, removed, pasted from Excel or WPS, worked out and summed while one types.
import { number, total, worked } from "./figures.js";
import { Pasting, idOf, levelOf } from "./pasting.js";
import { count } from "./small.js";

const TEXT = "input:not([type=hidden]), select, textarea";

export function tables(form, keeper) {
  return [...form.querySelectorAll("[data-table]")].map((block) => new Rows(block, form, keeper));
}

function rowId() {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((n) => n.toString(16).padStart(2, "0")).join("");
}

// Nothing in any cell, and nothing computed from it.
function clear(row) {
  for (const input of row.querySelectorAll(TEXT)) {
    if (input.type === "checkbox" || input.type === "radio") input.checked = false;
    else input.value = "";
    if (input.type === "text" && input.closest("td")?.matches(".k-date")) input.type = "date";
    if (input.matches("textarea[data-max]")) count(input);
  }
  for (const output of row.querySelectorAll("output")) output.textContent = "—";
}

class Rows {
  constructor(block, form, keeper) {
    this.block = block;
    this.keeper = keeper;
    this.key = block.dataset.table;
    this.max = Number(block.dataset.max);
    this.body = block.querySelector("tbody");
    this.adder = block.querySelector(`button[value="add:${this.key}"]`);
    this.form = form;
    this.figures = JSON.parse(block.dataset.figures || "{}");
    block.addEventListener("input", () => this.work());
    const help = block.querySelector("[data-paste-help]");
    if (help) help.hidden = false;
    this.pasting = new Pasting(this);
    this.sum();
  }

  rows() {
    return [...this.body.querySelectorAll("tr[data-row]")];
  }

  // Whether the button was one of this table's.
  submitted(action, button) {
    if (action === `add:${this.key}` || action.startsWith(`add:${this.key}:`)) {
      const row = this.add(action.split(":")[2]);
      this.pasting.forget();
      if (row) row.querySelector(TEXT).focus();
      return true;
    }
    if (!action.startsWith(`remove:${this.key}:`)) return false;
    this.remove(button.closest("tr"));
    return true;
  }

  // The rows that stand below the same heading as one; all of them where there are no headings.
  beside(row) {
    const level = levelOf(row);
    return this.rows().filter((one) => levelOf(one) === level);
  }

  // A row below the others, or below those of a heading.
  add(level = "") {
    const rows = this.rows();
    if (rows.length >= this.max) {
      this.keeper.say(`最多 ${this.max} 行`, "fault");
      return null;
    }
    const last = rows.filter((one) => !level || levelOf(one) === level).pop();
    const number = 1 + Math.max(...rows.map((row) => Number(row.querySelector("input").name.split(".")[2])));
    const row = last.cloneNode(true);
    const old = last.querySelector("input[type=hidden]");
    const id = rowId();
    row.id = `t-${this.key}-${id}`;
    for (const element of row.querySelectorAll("*")) {
      for (const name of ["id", "for", "aria-labelledby", "aria-describedby"]) {
        // What was wrong in the row that is copied is not wrong in the new one.
        const ids = element.getAttribute(name)?.split(" ").filter((one) => !/-(error|pasted)$/.test(one)).join(" ");
        if (ids) element.setAttribute(name, ids.replaceAll(`-${old.value}-`, `-${id}-`));
        else element.removeAttribute(name);
      }
      if (element.name?.startsWith("t.")) element.name = element.name.replace(/^t\.([^.]+)\.\d+\./, `t.$1.${number}.`);
      element.removeAttribute("aria-invalid");
    }
    for (const said of row.querySelectorAll(".error:not([data-count]), .said")) said.remove();
    for (const cell of row.querySelectorAll(".wrong")) cell.classList.remove("wrong");
    clear(row);
    row.querySelector("input[type=hidden]").value = id;
    const end = level && after(last, ".level-end");
    if (end) end.before(row);
    else this.body.append(row);
    this.renumber();
    this.keeper.touched();
    return row;
  }

  remove(row) {
    const rows = this.rows();
    const at = rows.indexOf(row);
    this.pasting.forget();
    // What the row holds in columns that are not shown goes with it.
    const base = row.querySelector("input[type=hidden]").name.replace(/[^.]+$/, "");
    for (const carried of this.form.querySelectorAll(`input[type=hidden][name^="${base}"]`)) {
      if (!row.contains(carried)) carried.remove();
    }
    const said = this.removeWhatFollows(idOf(row));
    // The last one below a heading is what the next is made like.
    if (this.beside(row).length === 1) clear(row);
    else row.remove();
    this.renumber();
    this.work();
    this.keeper.touched();
    if (said) this.keeper.say(said);
    const next = this.rows()[Math.min(at, this.rows().length - 1)];
    (next?.querySelector(TEXT) || this.adder).focus();
  }

  // Rows of other tables that follow this one, and the files that were asked for it, go with it.
  removeWhatFollows(id) {
    const name = `${this.form.dataset.section}.${this.key}`;
    const rows = [...this.form.querySelectorAll(`[data-rows-from="${name}"] tr[data-row]`)].filter((row) => idOf(row) === id);
    const places = [...this.form.querySelectorAll(`[data-of-table="${this.key}"]`)].filter((place) => place.dataset.slot.endsWith(`.${id}`));
    const files = places.filter((place) => place.querySelector(".file"));
    const blocks = rows.map((row) => row.closest("[data-table]"));
    for (const one of [...rows, ...places]) one.remove();
    // Their sums are others now.
    for (const block of blocks) block.dispatchEvent(new Event("input"));
    const gone = [...(rows.length ? ["随该行填写的内容"] : []), ...(files.length ? ["为该行上传的附件"] : [])];
    return gone.length ? `已删除该行；${gone.join("、")}也一并移除` : "";
  }

  // What a screen reader calls a row is its place, whatever its id.
  renumber() {
    this.rows().forEach((row, n) => {
      for (const place of row.querySelectorAll(".of-row")) place.textContent = `第${n + 1}行 `;
      const button = row.querySelector("button[name=action]");
      if (!button) return;
      button.value = `remove:${this.key}:${row.querySelector("input[type=hidden]").value}`;
      button.querySelector(".hidden").textContent = `第${n + 1}行`;
    });
  }

  // What follows from what is typed, as the service says it with the next 暂存: computed cells, subtotals, sums.
  work() {
    const { columns = {}, formulas = {}, subtotals = {} } = this.figures;
    const counted = this.rows().filter((row) => !row.matches(".subtotal"));
    for (const row of counted) {
      const known = new Map();
      const cell = (name) => {
        if (!known.has(name)) known.set(name, this.cell(row, name, cell));
        return known.get(name);
      };
      for (const [key, [formula, places]] of Object.entries(formulas)) {
        const output = row.querySelector(`output[name$=".${key}"]`);
        const text = output && worked(formula, places, cell);
        if (text !== null && text !== undefined) output.textContent = text;
      }
    }
    for (const row of this.rows().filter((one) => one.matches(".subtotal"))) {
      const rows = counted.filter((one) => subtotals[idOf(row)]?.includes(idOf(one)));
      for (const output of row.querySelectorAll("output")) {
        const key = output.name.split(".").pop();
        if (columns[key]) output.textContent = total(rows.map((one) => text(one, key)), ...columns[key]);
      }
    }
    this.sum();
  }

  // The number in a cell of a row: computed ones in their turn, null where it says none, undefined where there is no such column.
  cell(row, name, others) {
    const { columns, formulas } = this.figures;
    if (!columns[name]) return undefined;
    const [unit, places] = columns[name];
    const found = formulas[name] && row.querySelector(`output[name$=".${name}"]`) && worked(...formulas[name], others);
    const known = number(found || text(row, name), unit);
    return known && known.places <= places ? known : null;
  }

  sum() {
    const rows = this.rows().filter((row) => !row.matches(".subtotal"));
    for (const cell of this.block.querySelectorAll("[data-total]")) {
      const values = rows.map((row) => text(row, cell.dataset.total));
      cell.textContent = total(values, cell.dataset.unit, Number(cell.dataset.places || 0));
    }
  }
}

function text(row, column) {
  return row.querySelector(`[name$=".${column}"]`)?.value || "";
}

function after(row, what) {
  let next = row.nextElementSibling;
  while (next && !next.matches(what)) next = next.nextElementSibling;
  return next;
}
