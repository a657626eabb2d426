// What every page gets: counting down, guarding against double clicks, live notices. The rest comes with the
// pages that need it. Without any of this every page works all the same: so does it in a browser that has not
// all of what the modules use (Chromium 86, Firefox 85 and Safari 15.4 have), and half of them would be worse.
const able = window.SubmitEvent && "submitter" in SubmitEvent.prototype && "BroadcastChannel" in window && "replaceChildren" in Element.prototype;
if (able) start();

function start() {
  if (document.querySelector("[data-signed-in]")) new BroadcastChannel("gm-session").postMessage("signed-in");
  run("clock", ({ countDown }) => countDown());
  run("small", ({ once, printing, fold, focusFirst, again }) => [once, printing, fold, focusFirst, again].forEach((help) => help()));
  if (document.documentElement.dataset.token) {
    run("live", ({ live }) => live());
    run("idle", ({ watchIdle }) => watchIdle());
  }
  if (document.querySelector("form[data-form]")) run("form", (form) => form.start(), without);
  else if (document.querySelector(".case")) run("desk", ({ desk }) => desk());
  else if (document.querySelector("form textarea, form[data-carries]")) run("guard", ({ guardForms }) => guardForms());
  if (document.querySelector("[data-keys]")) run("keys", ({ keys }) => keys());
  if (document.querySelector("[data-counts]")) run("counts", ({ counts }) => counts());
  if (document.querySelector("[data-workbench]")) run("workbench", (workbench) => workbench.start());
  if (document.querySelector("[data-wait]")) run("wait", (wait) => wait.start());
}

// One part that does not come holds up no other.
async function run(name, begin, otherwise = () => {}) {
  let module;
  try {
    module = await load(name);
  } catch {
    return otherwise();
  }
  begin(module);
}

// A module that did not come, because a line broke or a gateway was just replaced, is asked for again, under another address: some
// browsers remember that the first one failed.
async function load(name) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await import(`./${name}.js${attempt ? `?again=${attempt}` : ""}`);
    } catch (error) {
      if (attempt === 4) throw error;
      await new Promise((done) => setTimeout(done, 500 * 2 ** attempt));
    }
  }
}

// The page works as one without scripts. Whoever types into it is told what does not go by itself.
function without() {
  const kept = document.querySelector("[data-kept]");
  if (kept) kept.textContent = "自动暂存未能启动，请及时点击“暂存”，或刷新页面";
}
