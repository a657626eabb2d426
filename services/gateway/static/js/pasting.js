// A block of cells from a spreadsheet, put into a table: to the right and below, adding rows as it needs them. All of it
// is undone by one press, until something else is changed in the table.
import { cells as copied } from "./clipboard.js";
import { day } from "./dates.js";
import { number, total } from "./figures.js";
import { controls, held, mark, restore, settled, take, unmark } from "./cell.js";

// By table, for the form may be made anew in between.
const undos = new Map();

export class Pasting {
  constructor(rows) {
    this.rows = rows;
    this.line = document.createElement("p");
    this.line.className = "help";
    this.line.setAttribute("role", "status");
    rows.block.append(this.line);
    rows.block.addEventListener("paste", (event) => this.pasted(event));
    rows.block.addEventListener("input", (event) => this.changed(event));
    rows.block.addEventListener("change", (event) => settled(event.target.closest("td") || event.target));
    rows.block.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z" || !undos.has(rows.key)) return;
      event.preventDefault();
      this.undo();
    });
    if (undos.has(rows.key)) this.again();
  }

  // The form was made anew: what was said of the block is said of it still.
  again() {
    for (const { id, n, fault } of undos.get(this.rows.key).marks) {
      const row = this.rows.rows().find((one) => idOf(one) === id);
      if (row && cellsOf(row)[n]) mark(cellsOf(row)[n], fault);
    }
    this.offer();
  }

  changed(event) {
    const cell = event.target.closest("td");
    if (cell) unmark(cell);
    this.forget();
  }

  forget() {
    undos.delete(this.rows.key);
    this.line.replaceChildren();
  }

  pasted(event) {
    const row = event.target.closest("tr[data-row]");
    const cell = event.target.closest("td");
    if (!row || !cell || !event.target.matches("input, select, textarea")) return;
    const lines = copied(event.clipboardData, event.target.matches("textarea")) || single(event);
    if (!lines) return;
    event.preventDefault();
    if (lines.length === 1 && lines[0].length === 1 && written(event.target)) return insert(event.target, lines[0][0]);
    const before = this.rows.rows().map((one) => ({ id: idOf(one), cells: cellsOf(one).map(held) }));
    const column = cellsOf(row).indexOf(cell);
    const headed = column === 0 && headings(this.rows.block, lines);
    if (headed) return this.below(headed, before);
    const level = levelOf(row);
    let at = this.rows.beside(row).indexOf(row);
    const said = nothing();
    const marks = [];
    for (const texts of lines) {
      const target = this.rows.beside(row)[at] || (this.rows.adder || level ? this.rows.add(level) : null);
      if (!target) { said.tooLow += 1; continue; }
      this.put(target, column, texts, said, marks);
      at += 1;
    }
    this.done(before, marks, said);
  }

  // Rows that bring their headings with them, each below its own: into the empty ones first.
  below(headed, before) {
    const said = nothing();
    const marks = [];
    for (const { level, texts } of headed) {
      const empty = this.rows.rows().find((one) => levelOf(one) === level && cellsOf(one).every(blank));
      const target = empty || this.rows.add(level);
      if (target) this.put(target, 0, texts, said, marks);
      else said.tooLow += 1;
    }
    this.done(before, marks, said);
  }

  put(row, column, texts, said, marks) {
    const places = cellsOf(row).slice(column);
    texts.forEach((text, n) => {
      const output = places[n]?.querySelector("output");
      // What is worked out is compared once it is.
      if (output) { if (text.trim()) said.figures.push({ row, n: column + n, output, text: text.trim() }); return; }
      const fault = places[n] && take(places[n], text);
      if (fault) marks.push({ id: idOf(row), n: column + n, fault });
      else if (!places[n] && text.trim()) said.tooWide += 1;
    });
    said.rows += 1;
  }

  done(before, marks, said) {
    this.rows.work();
    for (const { row, n, output, text } of said.figures) {
      const same = number(text) && number(output.value) ? total([text], "", 9) === total([output.value], "", 9) : text === output.value;
      if (same) continue;
      marks.push({ id: idOf(row), n, fault: mark(cellsOf(row)[n], `此格由系统得出“${output.value}”，与粘贴的“${text}”不一致，请核对`) });
    }
    undos.set(this.rows.key, { before, marks, said: words(said, marks.length, this.rows.max) });
    this.rows.keeper.touched();
    this.offer();
  }

  offer() {
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "link";
    undo.textContent = "撤销粘贴";
    undo.addEventListener("click", () => this.undo());
    this.line.replaceChildren(`${undos.get(this.rows.key).said} `, undo);
  }

  undo() {
    const { before } = undos.get(this.rows.key);
    for (const row of this.rows.rows()) {
      const was = before.find((one) => one.id === idOf(row));
      if (was) cellsOf(row).forEach((cell, n) => restore(cell, was.cells[n]));
      else row.remove();
    }
    this.rows.renumber();
    this.rows.work();
    this.rows.keeper.touched();
    this.forget();
    this.line.textContent = "已撤销粘贴";
    this.rows.rows()[0].querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }
}

// A calendar elsewhere on the form takes a day as spreadsheets write it, too.
export function calendars(form, keeper) {
  form.addEventListener("paste", (event) => {
    const input = event.target;
    if (!input.matches("input[type=date]") || input.closest("[data-table]") || input.readOnly) return;
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain").trim();
    const found = day(text);
    if (found === null) return keeper.say(`粘贴的“${text.slice(0, 40)}”不是日期，没有放入`, "fault");
    input.value = found;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// A calendar and a list take no text from a clipboard; the rest does so by itself.
function single(event) {
  const text = event.clipboardData.getData("text/plain");
  return text.trim() && (event.target.matches("select") || event.target.closest("td").matches(".k-date")) ? [[text]] : null;
}

// One cell into a place for text goes where the caret is, without the quotes of the clipboard; the browser undoes it.
function written(input) {
  return (input.matches("textarea") || input.type === "text") && !input.closest("td").matches(".k-date") && !input.readOnly;
}

function insert(input, text) {
  document.execCommand("insertText", false, input.matches("textarea") ? text : text.replace(/\s*\n\s*/g, " "));
}

// The headings that lines begin with, one or both levels, where every line has one; a merged cell says it in its first line alone.
export function headings(block, lines) {
  const known = [...block.querySelectorAll("tr.level")].map((row) => ({ level: row.dataset.level, names: [row.dataset.above, row.dataset.name] }));
  for (const width of known.length ? [2, 1] : []) {
    const wanted = new Map(known.map(({ level, names }) => [plain(names.slice(-width)), level]));
    const at = [];
    const found = lines.map((texts) => {
      texts.slice(0, width).forEach((text, n) => { if (text.trim()) at[n] = text; });
      return { level: wanted.get(plain(at)), texts: texts.slice(width) };
    });
    if (found.every(({ level }) => level)) return found;
  }
  return null;
}

function plain(names) {
  return names.map((name) => name.normalize("NFKC").replace(/\s/g, "")).join("\n");
}

function blank(cell) {
  return controls(cell).every((input) => (input.matches("[type=checkbox], [type=radio]") ? !input.checked : !input.value));
}

// The heading that a free row stands below; a fixed row names itself by the same name.
export function levelOf(row) {
  return row.querySelector("input[type=hidden][name$='.id'] ~ input[type=hidden][name$='.row']")?.value || "";
}

export function idOf(row) {
  return row.querySelector("input[type=hidden]").value;
}

function cellsOf(row) {
  return [...row.cells].filter((cell) => cell.tagName === "TD" && !cell.matches(".act"));
}

function nothing() {
  return { rows: 0, tooLow: 0, tooWide: 0, figures: [] };
}

function words(said, unknown, max) {
  const parts = [`已粘贴 ${said.rows} 行`];
  if (unknown) parts.push(`${unknown} 处请核对，已标出`);
  if (said.tooLow) parts.push(`最多 ${max} 行，有 ${said.tooLow} 行没有粘贴`);
  if (said.tooWide) parts.push(`有 ${said.tooWide} 格超出表格右侧，没有粘贴`);
  return `${parts.join("；")}。`;
}
