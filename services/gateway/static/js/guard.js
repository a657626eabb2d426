// Leaving with something typed and not kept asks first.
let dirty = () => false;

export function guard(question) {
  dirty = question;
}

window.addEventListener("beforeunload", (event) => {
  if (!dirty()) return;
  event.preventDefault();
});

// Ordinary forms in which one writes: dirty from the first key until they are sent.
function written() {
  return [...document.forms].filter((form) => form.method === "post" && form.querySelector("textarea"));
}

export function guardForms() {
  let typed = false;
  for (const form of written()) {
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", () => { typed = false; });
  }
  guard(() => typed);
}
