// What an answer changes on its page. The server says it with every 暂存: computed values are put where they stand; when
// other things are to be filled in, the page is opened anew, at the same place.
const PLACE = "gm-place";

export function follow(form, kept) {
  for (const [place, text] of Object.entries(kept.outputs || {})) {
    const [table, column] = place.split("/");
    const found = column
      ? form.querySelector(`[data-table="${table}"] [data-total="${column}"]`)
      : document.getElementById(place);
    if (found && found.textContent !== text && (column || found.matches("output"))) found.textContent = text;
  }
  if (!kept.shown || kept.shown === form.dataset.shown) return;
  // The address without what it said last: nothing was saved just now.
  sessionStorage.setItem(PLACE, JSON.stringify({ path: location.pathname, id: document.activeElement?.id, y: scrollY }));
  location.replace(location.pathname);
}

// Back to where the person was; whether the page was opened anew for this.
export function restore() {
  const kept = JSON.parse(sessionStorage.getItem(PLACE) || "null");
  sessionStorage.removeItem(PLACE);
  if (kept?.path !== location.pathname) return false;
  const element = kept.id && document.getElementById(kept.id);
  element?.focus({ preventScroll: true });
  scrollTo(0, kept.y);
  return true;
}
