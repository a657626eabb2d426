// Rows of a table: added, removed, pasted from Excel or WPS, summed while one types.
import { Pasting, idOf } from "./pasting.js";
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
    block.addEventListener("input", () => this.sum());
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
    if (action === `add:${this.key}`) {
      const row = this.add();
      this.pasting.forget();
      if (row) row.querySelector(TEXT).focus();
      return true;
    }
    if (!action.startsWith(`remove:${this.key}:`)) return false;
    this.remove(button.closest("tr"));
    return true;
  }

  add() {
    const rows = this.rows();
    if (rows.length >= this.max) {
      this.keeper.say(`最多 ${this.max} 行`, "fault");
      return null;
    }
    const last = rows[rows.length - 1];
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
    this.body.append(row);
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
    if (rows.length === 1) clear(row);
    else row.remove();
    this.renumber();
    this.sum();
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
    for (const one of [...rows, ...places]) one.remove();
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

  sum() {
    for (const cell of this.block.querySelectorAll("[data-total]")) {
      const values = this.rows().map((row) => row.querySelector(`[name$=".${cell.dataset.total}"]`)?.value || "");
      cell.textContent = total(values, cell.dataset.unit);
    }
  }
}

// Exact sums of what is plainly a number: hundredths as integers, never floating point; written as `shared/text/amounts.py` writes. Only thousands marks where
// thousands stand are left out; what has two readings is the service's to refuse.
const UNSEEN = /\p{Default_Ignorable_Code_Point}|\p{Cf}/gu;
const PLAIN = /^([+-]?)(\d+)(?:\.(\d*))?$/;
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+|(?: \d{3})+)(?:\.\d*)?$/;

export function total(values, unit = "") {
  let sum = 0n;
  let places = 0;
  const parsed = [];
  for (const value of values) {
    const seen = value.normalize("NFKC").replace(UNSEEN, "").replace(/[\u2010-\u2015\u2212]/g, "-").trim();
    const bare = unit && seen.endsWith(unit) ? seen.slice(0, -unit.length).trim() : seen;
    const plain = bare.replace(/\s/g, " ").replace(/^([+-]) +/, "$1");
    const found = (THOUSANDS.test(plain) ? plain.replace(/[, ]/g, "") : plain).match(PLAIN);
    if (!found) continue;
    parsed.push(found);
    places = Math.max(places, (found[3] || "").length);
  }
  for (const [, sign, whole, part = ""] of parsed) {
    const amount = BigInt(whole + part.padEnd(places, "0"));
    sum += sign === "-" ? -amount : amount;
  }
  const digits = String(sum < 0n ? -sum : sum).padStart(places + 1, "0");
  const whole = (places ? digits.slice(0, -places) : digits).replace(/\B(?=(\d{3})+$)/g, ",");
  return (sum < 0n ? "-" : "") + (places ? `${whole}.${digits.slice(-places)}` : whole);
}
