// What every page gets: counting down, guarding against double clicks, live notices. The rest comes with the
// pages that need it. Without any of this every page works all the same.
import { countDown } from "./clock.js";
import { watchIdle } from "./idle.js";
import { live } from "./live.js";
import { once, printing, focusFirst, again } from "./small.js";

countDown();
once();
printing();
focusFirst();
again();
if (document.documentElement.dataset.token) {
  live();
  watchIdle();
}
if (document.querySelector("[data-signed-in]")) new BroadcastChannel("gm-session").postMessage("signed-in");
if (document.querySelector("form[data-form]")) import("./form.js").then((module) => module.start());
else if (document.querySelector("form[data-guard]")) import("./guard.js").then((module) => module.guardForms());
if (document.querySelector("[data-wait]")) import("./wait.js").then((module) => module.start());
