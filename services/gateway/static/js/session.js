// The session may end while somebody types. What was typed stays on the page; signing in happens in a window
// of its own, and this page takes the new token as soon as it is there.
export function token() {
  return document.documentElement.dataset.token;
}

export async function renew() {
  const answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (!answer.ok) return false;
  const me = await answer.json();
  document.documentElement.dataset.token = me.csrf_token;
  for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = me.csrf_token;
  return true;
}

// Calls `act` when somebody has signed in again elsewhere, or comes back to this window having done so.
export function onReturn(act) {
  new BroadcastChannel("gm-session").addEventListener("message", act);
  window.addEventListener("focus", act);
}
