// What an answer changes elsewhere on the form: values computed from it, and what is asked for at all. The server says
// both with every 暂存; here it is only put in place, around what is being typed.
import { owns } from "./session.js";

export function compute(found) {
  for (const [id, text] of Object.entries(found)) {
    const [table, column] = id.split("/");
    const place = column
      ? document.querySelector(`[data-table="${table}"] [data-total="${column}"]`)
      : document.getElementById(id);
    if (place && (column || place.tagName === "OUTPUT") && place.textContent !== text) place.textContent = text;
  }
}

// The form made anew from the page as it is now. False while something would be lost by it.
export async function reshape(form, unchanged) {
  if (form.querySelector("[data-files] progress, [data-files] .error") || choosing(form) || !unchanged()) return false;
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const made = page.querySelector("form[data-form]");
  if (!made || !owns(page) || choosing(form) || !unchanged()) return false;
  const back = remember(form);
  const line = form.querySelector("[data-kept]");
  form.replaceChildren(...document.adoptNode(made).childNodes);
  form.dataset.shape = made.dataset.shape;
  form.querySelector("[data-kept]").replaceWith(line);
  const list = page.querySelector("nav.materials");
  if (list) document.querySelector("nav.materials").replaceWith(document.adoptNode(list));
  back();
  return true;
}

// A file may be being chosen: what is picked for an input that is gone reaches nobody.
export function choosing(form) {
  return document.activeElement?.type === "file" && form.contains(document.activeElement);
}

// Where the person is typing, to be there again afterwards.
function remember(form) {
  const at = document.activeElement;
  if (!at || !form.contains(at)) return () => {};
  const selector = at.id ? `#${CSS.escape(at.id)}` : `[name="${CSS.escape(at.name)}"][value="${CSS.escape(at.value)}"]`;
  const typing = at.matches("input[type=text], textarea") ? [at.selectionStart, at.selectionEnd] : null;
  return () => {
    const place = form.querySelector(selector);
    if (!place) return;
    place.focus({ preventScroll: true });
    if (typing) place.setSelectionRange(...typing);
  };
}
