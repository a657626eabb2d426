// Days as Excel and WPS write them, as `YYYY-MM-DD`; null for what is none or could be two.
const DIGITS = "〇一二三四五六七八九";
const TIME = "(?:[T ]*\\d{1,2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?)?";
const MARKED = new RegExp(`^(\\d{4}) ?([-/.年]) ?(\\d{1,2}) ?[-/.月] ?(\\d{1,2}) ?日? ?(?:星期.|周.)?${TIME}$`);
const COMPACT = /^(\d{4})(\d{2})(\d{2})$/;
// Days since the eve of 1900 as spreadsheets count them: from 1954 to 2119.
const SERIAL = /^(\d{5})(?:\.\d+)?$/;

export function day(written) {
  const text = western(written.normalize("NFKC").replace(/\p{Cf}/gu, "").trim());
  const marked = text.match(MARKED);
  if (marked) return real(marked[1], marked[3], marked[4]);
  const compact = text.match(COMPACT);
  if (compact) return real(compact[1], compact[2], compact[3]);
  const serial = text.match(SERIAL);
  if (!serial || serial[1] < "20000" || serial[1] > "80000") return null;
  return new Date(Date.UTC(1899, 11, 30) + Number(serial[1]) * 86400000).toISOString().slice(0, 10);
}

function real(year, month, date) {
  const iso = `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
  const made = new Date(`${iso}T00:00:00Z`);
  return Number(year) >= 1900 && !Number.isNaN(made.getTime()) && made.toISOString().startsWith(iso) ? iso : null;
}

// 二〇二五年五月二十一日 as 2025年5月21日.
function western(text) {
  if (!/^[〇零○一二三四五六七八九]{4}年/.test(text)) return text;
  return text.replace(/[零○]/g, "〇").replace(/[〇一二三四五六七八九十]+/g, (number) => {
    const at = number.indexOf("十");
    const digits = (part) => [...part].map((one) => DIGITS.indexOf(one)).join("");
    if (at < 0) return digits(number);
    return `${digits(number.slice(0, at)) || 1}${digits(number.slice(at + 1)) || 0}`;
  });
}
