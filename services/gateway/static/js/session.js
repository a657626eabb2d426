// The one place of the CSRF token. The session may end, or begin anew in another tab, while somebody types: what was
// typed stays on the page, and whoever is refused asks here once for the new token and goes on. A page belongs to the
// account that opened it; nothing typed on it is sent under another.
const root = document.documentElement;
const account = (text) => (text || "").split(".")[1];
const owner = account(root.dataset.token);

export function token() {
  return root.dataset.token;
}

// Nothing was taken, and why: `state` is "out" (nobody is signed in) or "other" (another account is).
export class NotSignedIn extends Error {
  constructor(state) {
    super(state);
    this.state = state;
  }
}

// Whether a page that was fetched is still the same account's: another's is never put in place of ours.
export function owns(page) {
  return account(page.documentElement.dataset.token) === owner;
}

let asking = null;

// Who is signed in now: "mine" (the page has the new token then), "other" or "out". Rejects while the line is down.
export function renew() {
  asking = asking || ask().finally(() => { asking = null; });
  return asking;
}

async function ask() {
  const answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (answer.status === 401 || answer.status === 403) return "out";
  if (!answer.ok) throw new Error(String(answer.status));
  const me = await answer.json();
  if (account(me.csrf_token) !== owner) return "other";
  root.dataset.token = me.csrf_token;
  for (const input of document.querySelectorAll("input[name=csrf_token]")) {
    if (account(input.value) === owner) input.value = me.csrf_token;
  }
  return "mine";
}

// Whether an answer may come from a session that is not the page's: another account finds nothing here, or may not.
export function refused(status) {
  return status === 401 || status === 403 || status === 404;
}

// Sends what `make` makes of the token, and once more with the new one. Throws NotSignedIn when that is of no use.
export async function send(url, make) {
  const answer = await fetch(url, make());
  if (!refused(answer.status)) return answer;
  const state = await renew();
  if (state !== "mine") throw new NotSignedIn(state);
  const second = await fetch(url, make());
  if (second.status === 401) throw new NotSignedIn("out");
  return second;
}

// Calls `act` when somebody has signed in again elsewhere, or comes back to this window having done so.
export function onReturn(act) {
  new BroadcastChannel("gm-session").addEventListener("message", act);
  window.addEventListener("focus", act);
}
