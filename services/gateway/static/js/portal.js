// What every page gets: counting down, guarding against double clicks, live notices. The rest comes with the
// pages that need it. Without any of this every page works all the same: so does it in a browser that has not
// all of what the modules use (Chromium 86, Firefox 85 and Safari 15.4 have), and half of them would be worse.
const able = window.SubmitEvent && "submitter" in SubmitEvent.prototype && "BroadcastChannel" in window && "replaceChildren" in Element.prototype;
if (able) start();

async function start() {
  if (document.querySelector("[data-signed-in]")) new BroadcastChannel("gm-session").postMessage("signed-in");
  const [{ countDown }, { watchIdle }, { live }, { once, printing, fold, focusFirst, again }] = await Promise.all([
    import("./clock.js"), import("./idle.js"), import("./live.js"), import("./small.js"),
  ]);
  countDown();
  once();
  printing();
  fold();
  focusFirst();
  again();
  if (document.documentElement.dataset.token) {
    live();
    watchIdle();
  }
  if (document.querySelector("form[data-form]")) import("./form.js").then((module) => module.start());
  else if (document.querySelector("form textarea, form[data-carries]")) import("./guard.js").then((module) => module.guardForms());
  if (document.querySelector("[data-wait]")) import("./wait.js").then((module) => module.start());
}
