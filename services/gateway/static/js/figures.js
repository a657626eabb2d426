// Figures of a table, worked out while one types as the service works them out: exact decimals, rounded half up; a cell that says no number
// is not known, and what follows from it neither. A formula that says more than sums and products of its row is the service's alone.

// A decimal is { digits, places }: so many units of the last place.
const UNSEEN = /\p{Default_Ignorable_Code_Point}|\p{Cf}/gu;
const PLAIN = /^([+-]?)(\d+)(?:\.(\d*))?$/;
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+|(?: \d{3})+)(?:\.\d*)?$/;
const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z][A-Za-z0-9_]*)|([-+*/(),]))/y;
// What the service does not keep as a figure.
const LIMIT = 10n ** 18n;

// What is plainly a number. Only thousands marks where thousands stand are left out; what has two readings is the service's to refuse.
export function number(text, unit = "") {
  const seen = text.normalize("NFKC").replace(UNSEEN, "").replace(/[\u2010-\u2015\u2212]/g, "-").trim();
  const bare = unit && seen.endsWith(unit) ? seen.slice(0, -unit.length).trim() : seen;
  const plain = bare.replace(/\s/g, " ").replace(/^([+-]) +/, "$1");
  const found = (THOUSANDS.test(plain) ? plain.replace(/[, ]/g, "") : plain).match(PLAIN);
  if (!found) return null;
  const [, sign, whole, part = ""] = found;
  return { digits: BigInt(sign + whole + part), places: part.length };
}

// The sum of what is plainly a number, with the decimals that it has, `places` at least; written as `shared/text/amounts.py` writes.
export function total(values, unit = "", places = 0) {
  return shown(values.map((value) => number(value, unit)).filter(Boolean).reduce(add, { digits: 0n, places }));
}

// What a formula gives for a row, as it is shown; `cell(name)` tells a number of the row, null where there is none, undefined for
// what is no figure of the row. Undefined for a formula that is not worked out here.
export function worked(formula, places, cell) {
  const reader = new Reader(formula, cell);
  const found = reader.whole();
  if (found === undefined) return undefined;
  const known = found && rounded(found, places);
  return known && absolute(known.digits) < LIMIT * 10n ** BigInt(places) ? shown(known) : "—";
}

class Reader {
  constructor(formula, cell) {
    this.cell = cell;
    this.tokens = [];
    TOKEN.lastIndex = 0;
    let end = 0;
    for (let found; (found = TOKEN.exec(formula)); end = TOKEN.lastIndex) this.tokens.push(found);
    this.sound = formula.slice(end).trim() === "";
    this.at = 0;
  }

  whole() {
    const found = this.sound ? this.sum() : undefined;
    return this.at === this.tokens.length ? found : undefined;
  }

  sum() {
    let found = this.product();
    for (let sign; (sign = this.taken("+", "-")); ) {
      const right = this.product();
      found = both(found, sign === "-" ? one(right, minus) : right, add);
    }
    return found;
  }

  product() {
    let found = this.signed();
    for (let sign; (sign = this.taken("*", "/")); ) {
      const right = this.signed();
      found = both(found, sign === "/" ? one(right, inverse) : right, times);
    }
    return found;
  }

  signed() {
    return this.taken("-") ? one(this.signed(), minus) : this.value();
  }

  value() {
    const [, figure, name] = this.tokens[this.at] || [];
    if (this.taken("(")) return this.closed(this.sum());
    this.at += 1;
    if (figure) return number(figure);
    if (name === "default" && this.taken("(")) {
      const first = this.sum();
      if (!this.taken(",")) return undefined;
      const other = this.closed(this.sum());
      return first === undefined || other === undefined ? undefined : first ?? other;
    }
    return name ? this.cell(name) : undefined;
  }

  closed(found) {
    return this.taken(")") ? found : undefined;
  }

  taken(...signs) {
    const sign = this.tokens[this.at]?.[3];
    if (!signs.includes(sign)) return "";
    this.at += 1;
    return sign;
  }
}

// Undefined is not worked out here, null is not known.
function one(value, work) {
  return value ? work(value) : value;
}

function both(left, right, work) {
  if (left === undefined || right === undefined) return undefined;
  return left && right ? work(left, right) : null;
}

function add(left, right) {
  const places = Math.max(left.places, right.places);
  return { digits: scaled(left, places) + scaled(right, places), places };
}

function times(left, right) {
  return { digits: left.digits * right.digits, places: left.places + right.places };
}

function minus({ digits, places }) {
  return { digits: -digits, places };
}

// Of a power of ten alone, whose quotients end: others the service rounds on its way.
function inverse({ digits, places }) {
  const power = String(digits).match(/^10*$/);
  if (!power) return undefined;
  const shift = power[0].length - 1 - places;
  return shift >= 0 ? { digits: 1n, places: shift } : { digits: 10n ** BigInt(-shift), places: 0 };
}

function scaled({ digits, places }, wanted) {
  return digits * 10n ** BigInt(wanted - places);
}

function rounded(value, places) {
  if (value.places <= places) return { digits: scaled(value, places), places };
  const unit = 10n ** BigInt(value.places - places);
  const amount = (absolute(value.digits) * 2n + unit) / (2n * unit);
  return { digits: value.digits < 0n ? -amount : amount, places };
}

function absolute(digits) {
  return digits < 0n ? -digits : digits;
}

function shown({ digits, places }) {
  const figures = String(absolute(digits)).padStart(places + 1, "0");
  const whole = (places ? figures.slice(0, -places) : figures).replace(/\B(?=(\d{3})+$)/g, ",");
  return (digits < 0n ? "-" : "") + (places ? `${whole}.${figures.slice(-places)}` : whole);
}
