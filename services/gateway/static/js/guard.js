// Leaving with something typed and not kept asks first.
let dirty = () => false;

export function guard(question) {
  dirty = question;
}

window.addEventListener("beforeunload", (event) => {
  if (!dirty()) return;
  event.preventDefault();
});

// Ordinary forms: dirty from the first key until they are sent.
export function guardForms() {
  let typed = false;
  for (const form of document.querySelectorAll("form[data-guard]")) {
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", () => { typed = false; });
  }
  guard(() => typed);
}
