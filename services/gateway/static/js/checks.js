// The panel of cross-form checks, fetched anew after something was saved elsewhere.
export async function refreshChecks() {
  const panel = document.querySelector("[data-checks]");
  if (!panel) return;
  const answer = await fetch(panel.dataset.checks, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#checks ul");
  if (found) panel.querySelector("ul").replaceWith(document.adoptNode(found));
}
