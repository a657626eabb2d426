// While somebody types a form's text: faults beside it and the preview as it would be, both made by the server. Nothing is kept until 保存.
const PAUSE = 700;

export function start() {
  const form = document.querySelector("[data-workbench]");
  const text = form.elements.text;
  const faults = form.querySelector("[data-faults]");
  const state = form.querySelector("[data-state]");
  const frame = document.querySelector("[data-preview]");
  const shown = document.querySelector("#preview form");
  let timer, asked;

  async function look() {
    asked?.abort();
    asked = new AbortController();
    const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, text: text.value });
    if (shown) body.set("section", shown.elements.section.value);
    if (shown?.elements.filled.checked) body.set("filled", "1");
    try {
      const answer = await fetch(form.dataset.workbench, { method: "POST", body, headers: { Accept: "application/json" }, signal: asked.signal });
      if (!answer.ok) return void (state.textContent = "暂时不能查错，请保存后查看。");
      const found = await answer.json();
      faults.replaceChildren(...new DOMParser().parseFromString(found.faults, "text/html").body.childNodes);
      if (frame && found.preview) frame.srcdoc = found.preview;
      state.textContent = "以上文本尚未保存。";
    } catch (error) {
      if (error.name !== "AbortError") state.textContent = "暂时不能查错，请保存后查看。";
    }
  }

  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  // The way to a line leads into the text, where it can be mended.
  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    const lines = text.value.split("\n");
    const line = Math.min(Number(link.dataset.line), lines.length);
    const begin = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    text.focus();
    text.setSelectionRange(begin, begin + lines[line - 1].length);
    text.scrollTop = Math.max(0, (line - 4) * (text.scrollHeight / lines.length));
  });
}
