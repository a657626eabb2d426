// What every page gets: counting down, guarding against double clicks, live notices. The rest comes with the
// pages that need it. Without any of this every page works all the same: so does it in a browser that has not
// all of what the modules use (Chromium 86, Firefox 85 and Safari 15.4 have), and half of them would be worse.
const able = window.SubmitEvent && "submitter" in SubmitEvent.prototype && "BroadcastChannel" in window && "replaceChildren" in Element.prototype;
if (able) start().catch(without);

async function start() {
  if (document.querySelector("[data-signed-in]")) new BroadcastChannel("gm-session").postMessage("signed-in");
  const [{ countDown }, { watchIdle }, { live }, { once, printing, fold, focusFirst, again }] = await Promise.all(
    ["clock", "idle", "live", "small"].map(load),
  );
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
  if (document.querySelector("form[data-form]")) (await load("form")).start();
  else if (document.querySelector("form textarea, form[data-carries]")) (await load("guard")).guardForms();
  if (document.querySelector("[data-wait]")) (await load("wait")).start();
}

// A module that did not come, because a line broke or a gateway was just replaced, is asked for again, under another address:
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
