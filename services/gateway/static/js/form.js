// The form page. Its script types nothing for anybody: it keeps what is typed, adds rows, sums, and uploads.
import { Keeper } from "./keeper.js";
import { guard } from "./guard.js";
import { tables } from "./rows.js";
import { slots } from "./upload.js";
import { refreshChecks } from "./checks.js";

export function start() {
  const form = document.querySelector("form[data-form]");
  const keeper = new Keeper(form);
  guard(() => keeper.dirty);
  form.addEventListener("input", (event) => {
    if (event.target.type !== "file") keeper.touched();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type !== "file") keeper.touched();
  });
  // Whoever was faster than a slow line has typed already.
  if ([...form.elements].some(typedBefore)) keeper.touched();
  tables(form, keeper);
  slots(form, keeper);
  counters(form);
  form.addEventListener("submit", (event) => {
    const action = event.submitter?.value || "draft";
    if (/^(adopt|refresh|dismiss)/.test(action) && (keeper.dirty || keeper.running)) {
      // What is typed is kept first; then the form goes as it would without a script.
      event.preventDefault();
      keeper.keep().then(() => {
        keeper.dirty = false;
        form.requestSubmit(event.submitter);
      });
      return;
    }
    if (!["draft", "save", "discard"].includes(action)) return;  // taken by tables and slots
    event.preventDefault();
    if (action === "discard" && !window.confirm("放弃修改后，将恢复为上次保存的内容。确定放弃吗？")) return;
    keeper.send(action, event.submitter);
  });
  window.addEventListener("gm-event", (event) => {
    if (event.detail.type === "refresh") refreshChecks();
  });
}

function typedBefore(input) {
  if (input.type === "checkbox" || input.type === "radio") return input.checked !== input.defaultChecked;
  return input.matches("input[type=text], input[type=date], textarea") && input.value !== input.defaultValue;
}

// How much of a long text is used, said when it matters.
function counters(form) {
  for (const area of form.querySelectorAll("textarea[data-max]")) {
    const max = Number(area.dataset.max);
    const line = document.createElement("span");
    line.className = "help";
    area.after(line);
    const show = () => {
      const length = [...area.value.trim()].length;
      line.textContent = `已输入 ${length} 字，最多 ${max} 字`;
      line.classList.toggle("error", length > max);
    };
    area.addEventListener("input", show);
    show();
  }
}
