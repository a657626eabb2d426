// The form page. Its script types nothing for anybody: it keeps what is typed, adds rows, sums, and uploads.
import { Keeper } from "./keeper.js";
import { guard } from "./guard.js";
import { follow } from "./options.js";
import { calendars } from "./pasting.js";
import { tables } from "./rows.js";
import { slots } from "./upload.js";
import { refreshChecks } from "./checks.js";
import { count } from "./small.js";
import { choosing, compute, reshape } from "./standing.js";

export function start() {
  const form = document.querySelector("form[data-form]");
  const keeper = new Keeper(form);
  let parts = [];
  let counted = true;
  const bind = () => {
    parts = [...tables(form, keeper), ...slots(form, keeper)];
    form.querySelectorAll("textarea[data-max]").forEach(count);
  };
  bind();
  calendars(form, keeper);
  follow(form);
  guard(() => keeper.dirty || keeper.uploads.size > 0 || form.querySelector("[data-retry]"));
  const typed = (event) => {
    const input = event.target;
    if (input.type === "file") return;
    if (input.matches("textarea[data-max]")) count(input);
    // What is chosen or counted changes other places; what is written does not.
    const choice = input.matches("select, input[type=checkbox], input[type=radio], input[type=date]");
    const number = input.matches(".number");
    counted = counted || choice || number;
    // The figure is whole once one leaves it.
    if (event.type === "change" && number && keeper.dirty) keeper.soon();
    else keeper.touched(choice);
  };
  form.addEventListener("input", typed);
  form.addEventListener("change", typed);
  // Whoever was faster than a slow line has typed already.
  if ([...form.elements].some(typedBefore)) keeper.touched();
  form.addEventListener("submit", (event) => {
    const action = (event.submitter && event.submitter.value) || "draft";
    if (/^(adopt|refresh|dismiss|join|phone|include|earlier|sms)/.test(action) && (keeper.dirty || keeper.running || keeper.uploads.size)) {
      // What is typed and chosen is kept first; then the form goes as it would without a script.
      event.preventDefault();
      keepFirst(keeper).then((kept) => { if (kept) form.requestSubmit(event.submitter); });
      return;
    }
    if (parts.some((part) => part.submitted(action, event.submitter))) return event.preventDefault();
    if (!["draft", "save", "submit", "discard"].includes(action)) return;
    event.preventDefault();
    if (action === "discard" && !window.confirm("放弃修改后，将恢复为上次保存的内容。确定放弃吗？")) return;
    keeper.send(action, event.submitter);
  });
  let outdated = false;
  const renew = async () => {
    outdated = false;
    if (await reshape(form, () => !keeper.dirty && !keeper.composing)) {
      bind();
      keeper.say(`${keeper.said}；表单已按您的选择更新`);
    } else outdated = choosing(form) || keeper.composing;
  };
  // What waited for somebody choosing a file or composing a word; the focus has moved on when the timer comes.
  for (const end of ["focusout", "compositionend"]) {
    form.addEventListener(end, () => setTimeout(() => outdated && !choosing(form) && !keeper.composing && !keeper.dirty && renew()));
  }
  keeper.onKept = async (kept) => {
    compute(kept.computed);
    for (const part of parts) part.sum?.();
    outdated = false;
    if (kept.shape !== form.dataset.shape) await renew();
    const discard = form.querySelector("button[value=discard]");
    if (discard) discard.hidden = false;
    const mark = document.querySelector("[data-own-mark]");
    if (mark) { mark.textContent = "已暂存"; mark.className = "mark draft"; }
    if (counted) { counted = false; refreshChecks(); }
  };
  window.addEventListener("gm-event", (event) => {
    if (event.detail.type === "refresh") refreshChecks();
  });
}

// Whether everything typed and chosen is kept now.
async function keepFirst(keeper) {
  if (!(await keeper.arrived())) return false;
  if (keeper.running) await keeper.running;
  if (keeper.dirty) await keeper.keep();
  return !keeper.dirty;
}

function typedBefore(input) {
  if (input.type === "checkbox" || input.type === "radio") return input.checked !== input.defaultChecked;
  // Where nothing was chosen before, the first option stands.
  if (input.matches("select")) return input.selectedIndex !== Math.max(0, [...input.options].findIndex((option) => option.defaultSelected));
  return input.matches("input[type=text], input[type=date], textarea") && input.value !== input.defaultValue;
}
