// Numbers beside the views of the list, looked at anew when something happens and every half minute, by whoever is looking. Never oftener.
const EVERY = 30000;
let last = Date.now();
let timer;

export function counts() {
  addEventListener("gm-event", ({ detail }) => { if (detail.type === "application.state" || detail.type === "refresh") soon(); });
  document.addEventListener("visibilitychange", soon);
  setInterval(soon, EVERY);
}

function soon() {
  if (document.hidden || timer) return;
  timer = setTimeout(look, Math.max(0, last + EVERY - Date.now()));
}

async function look() {
  timer = undefined;
  if (document.hidden) return;
  last = Date.now();
  const answer = await fetch("/api/v1/review/counts", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const found = await answer.json();
  const value = (path) => {
    const [name, state] = path.split(".");
    const part = found[name];
    if (typeof part === "number") return part;
    return state ? part[state] || 0 : Object.values(part).reduce((sum, n) => sum + n, 0);
  };
  for (const place of document.querySelectorAll("[data-counts] [data-count]")) {
    const paths = place.dataset.count.split(" ");
    const sum = paths.map(value).reduce((a, b) => a + b, 0);
    const capped = typeof found[paths[0]] === "number" && sum >= 50;
    place.textContent = `${sum}${capped ? "+" : ""}`;
  }
}
