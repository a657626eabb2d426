// What spreadsheets put on the clipboard, as rows of cells. Their HTML says where a cell ends; the plain text has to be
// read by their rules for quotes.
// A text of several lines that goes into a place for such texts (`lines`) is no column of cells.
export function cells(clipboard, lines = false) {
  const plain = clipboard.getData("text/plain");
  const several = (lines ? /\t/ : /[\t\n]/).test(plain.replace(/\r?\n$/, ""));
  return fromHtml(clipboard.getData("text/html")) || (several ? fromText(plain) : null);
}

// A page or a letter that has a table among other things is no block of cells: then the plain text counts.
export function fromHtml(source) {
  if (!/<table/i.test(source)) return null;
  const page = new DOMParser().parseFromString(source, "text/html");
  const tables = page.querySelectorAll("table");
  if (tables.length !== 1) return null;
  const table = tables[0];
  for (const other of page.querySelectorAll("style, script, title, xml")) other.remove();
  if (text(page.body) !== text(table)) return null;
  const rows = [];
  [...table.rows].forEach((row, y) => {
    rows[y] = rows[y] || [];
    let x = 0;
    for (const cell of row.cells) {
      while (rows[y][x] !== undefined) x += 1;
      // The text of merged cells stands in the first one.
      for (let down = 0; down < Math.min(cell.rowSpan || 1, table.rows.length - y); down += 1) {
        rows[y + down] = rows[y + down] || [];
        for (let right = 0; right < cell.colSpan; right += 1) rows[y + down][x + right] = down || right ? "" : held(cell);
      }
      x += cell.colSpan;
    }
  });
  return rows.length ? rows.map((row) => Array.from(row, (one) => one || "")) : null;
}

// A column that was too narrow shows ####; some spreadsheets say the number besides.
function held(cell) {
  const shown = text(cell);
  return (/^#{2,}$/.test(shown) && cell.getAttribute("x:num")) || shown;
}

// White space means nothing in HTML; what ends a line does. The widths that Excel keeps with hard blanks are blanks again.
function text(element) {
  return lines(element).replace(/\u00a0/g, " ").replace(/ *\n */g, "\n").replace(/^[ \n]+|[ \n]+$/g, "");
}

function lines(element) {
  let found = "";
  for (const node of element.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) found += node.data.replace(/[ \t\r\n\f]+/g, " ");
    else if (node.nodeName === "BR") found += "\n";
    else if (node.nodeType === Node.ELEMENT_NODE) {
      found += (/^(P|DIV|LI|TR)$/.test(node.nodeName) && found.trim() ? "\n" : "") + lines(node);
    }
  }
  return found;
}

// A cell stands in quotes when it holds a line break or quotes of its own, which are doubled then; a quote that is never
// closed, or that simply begins a cell, is a letter. What was copied is a rectangle: of several readings the first that
// is one counts.
export function fromText(source) {
  const plain = source.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const readings = [/^"((?:[^"\t]|"")*)"(?=[\t\n]|$)/, /^"((?:[^"]|"")*)"(?=[\t\n]|$)/, null].map((quoted) => read(plain, quoted));
  return readings.find((rows) => rows.every((row) => row.length === rows[0].length)) || readings[0];
}

function read(plain, quoted) {
  const rows = [[]];
  let rest = plain;
  for (;;) {
    const found = quoted && rest.match(quoted);
    const held = found && /[\t\n]|""/.test(found[1]) ? found : null;
    const length = held ? held[0].length : rest.search(/[\t\n]|$/);
    rows[rows.length - 1].push(held ? held[1].replace(/""/g, '"') : rest.slice(0, length));
    if (length === rest.length) return rows;
    if (rest[length] === "\n") rows.push([]);
    rest = rest.slice(length + 1);
  }
}
