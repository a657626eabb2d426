// Small helps, each on its own.

// A second click on the way is no second act. The server holds it too; this only spares the person the wait.
export function once() {
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "1";
      // What opens beside this page leaves it standing: it may be asked for again a little later.
      if (form.target) return setTimeout(() => delete form.dataset.sent, 2000);
      event.submitter?.setAttribute("aria-busy", "true");
    });
  }
  // Back by the back button: the page may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-once]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    }
  });
}

// How much of a long text is used, said when it matters.
export function count(area) {
  const max = Number(area.dataset.max);
  const length = [...area.value.trim()].length;
  let line = area.nextElementSibling;
  if (!line?.matches("[data-count]")) {
    line = document.createElement("span");
    line.dataset.count = "";
    area.after(line);
  }
  line.className = length > max ? "help error" : "help";
  line.textContent = `已输入 ${length} 字，最多 ${max} 字`;
}

export function printing() {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}

// What went wrong is where a keyboard and a screen reader should be.
export function focusFirst() {
  if (!location.hash || location.hash === "#errors") document.querySelector("[data-focus]")?.focus();
  // Where the address says the browser has scrolled already; a tall place must not be centred.
  else document.getElementById(decodeURIComponent(location.hash.slice(1)))?.focus({ preventScroll: true });
}

// On a phone the form comes first: the panel is opened by whoever wants it.
export function fold() {
  const panel = document.querySelector("[data-checks] details");
  if (!panel || location.hash === "#checks" || !matchMedia("(max-width: 860px)").matches) return;
  panel.open = false;
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

// A page that waits for a service tries again by itself: a little later each time, or when the line says. The windows of one browser take
// turns at counting, so that five of them ask no oftener than one; the first that is let in tells the others.
const waiting = "BroadcastChannel" in window ? new BroadcastChannel("gm-waiting") : null;

export function again() {
  const element = document.querySelector("[data-again]");
  if (!element) {
    if (sessionStorage.getItem("gm-again")) waiting?.postMessage("in");
    return sessionStorage.removeItem("gm-again");
  }
  const send = () => {
    if (element.matches("form")) element.querySelector("button.primary").click();
    else location.reload();
  };
  waiting?.addEventListener("message", send, { once: true });
  const turn = () => new Promise(() => countDown(element, send));
  if (navigator.locks) navigator.locks.request("gm-waiting", turn);
  else turn();
}

function countDown(element, send) {
  const tries = "line" in element.dataset ? 0 : Number(sessionStorage.getItem("gm-again") || 0);
  let rest = Math.min(60, Number(element.dataset.again) * 2 ** Math.min(tries, 3));
  for (const text of document.querySelectorAll("[data-again-text]")) text.hidden = false;
  const show = () => {
    for (const place of document.querySelectorAll("[data-again-left]")) place.textContent = String(rest);
  };
  show();
  const timer = setInterval(() => {
    rest -= 1;
    show();
    if (rest > 0) return;
    clearInterval(timer);
    sessionStorage.setItem("gm-again", String(tries + 1));
    send();
  }, 1000);
}
