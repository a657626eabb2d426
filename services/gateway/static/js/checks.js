// On a phone the form comes first: the panel is opened by whoever wants it.
export function fold() {
  if (!matchMedia("(max-width: 860px)").matches) return;
  document.querySelector("[data-checks] details")?.removeAttribute("open");
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

// The panel of cross-form checks, fetched anew after something was saved elsewhere.
export async function refreshChecks() {
  const panel = document.querySelector("[data-checks]");
  if (!panel) return;
  const answer = await fetch(panel.dataset.checks, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#checks ul");
  if (found) panel.querySelector("ul").replaceWith(document.adoptNode(found));
}
