// Leaving with something typed and not kept asks first.
let dirty = () => false;

export function guard(question) {
  dirty = question;
}

window.addEventListener("beforeunload", (event) => {
  if (!dirty()) return;
  event.preventDefault();
});

// Ordinary forms in which one writes: dirty from the first key until they are sent, and from the beginning where a page
// carries what was typed on another (`data-carries`). Sending one form asks for the text of the others.
export function guardForms() {
  const typed = new Set();
  for (const form of document.forms) {
    if (form.method !== "post" || !form.querySelector("textarea") && !("carries" in form.dataset)) continue;
    if ("carries" in form.dataset) typed.add(form);
    form.addEventListener("input", () => typed.add(form));
    form.addEventListener("submit", () => typed.delete(form));
  }
  guard(() => typed.size > 0);
}
