// 生成PDF: the place in line, looked at again until the file is there. Nothing is reloaded.
export function start() {
  const panel = document.querySelector("[data-wait]");
  const text = panel.querySelector("[data-wait-text]");
  const say = (words) => {
    if (text.textContent !== words) text.textContent = words;
  };
  let pause = 1000;
  let least = 0;
  let done = false;
  const look = async () => {
    if (done) return;
    try {
      const answer = await fetch(panel.dataset.wait, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return say("登录已过期，请刷新本页重新登录。");
      if (!answer.ok) {
        least = Number(answer.headers.get("Retry-After") || 0) * 1000;
        throw new Error(String(answer.status));
      }
      const status = await answer.json();
      pause = 1000;
      if (status.status === "ready") {
        done = true;
        panel.querySelector("progress").remove();
        panel.querySelector("[data-wait-help]").remove();
        say("PDF 已生成。");
        const link = document.createElement("a");
        link.className = "button primary";
        link.href = status.location;
        link.textContent = "打开PDF";
        text.after(link);
        link.focus();
        return;
      }
      // What happens next is the server's page to say; opened so, it asks for nothing.
      if (status.status === "failed") return location.replace(panel.dataset.wait);
      const place = status.position > 1 ? `，前面还有 ${status.position - 1} 份` : "";
      const eta = status.eta_seconds ? `，预计 ${status.eta_seconds} 秒` : "";
      say(`${status.status === "queued" ? "正在排队" : "正在生成"}${place}${eta}。`);
    } catch {
      pause = Math.min(pause * 2, 15000);
      say("暂时连接不上，正在重试；申请本身不受影响。");
    }
    setTimeout(look, Math.max(pause, least));
    least = 0;
  };
  setTimeout(look, pause);
  window.addEventListener("gm-event", (event) => {
    if (event.detail.type === "document.ready") look();
  });
}
