// The panel of cross-form checks, fetched anew after something was saved elsewhere.
import { owns } from "./session.js";

export async function refreshChecks() {
  const panel = document.querySelector("[data-checks]");
  if (!panel) return;
  const answer = await fetch(panel.dataset.checks, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.querySelector("#checks ul");
  if (!found || !owns(page)) return;
  panel.querySelector("ul").replaceWith(document.adoptNode(found));
  // What does not agree any more is not kept folded, where there is room beside the form.
  if (found.querySelector(".off") && matchMedia("(min-width: 861px)").matches) panel.querySelector("details").open = true;
}
