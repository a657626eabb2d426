// The server's clock, and the time left by it: a wrong clock on the desk changes nothing.
const opened = performance.now();
const atOpening = Number(document.documentElement.dataset.now);

export function now() {
  // Not Date.now(): it jumps when somebody sets the desk's clock.
  return atOpening + (performance.now() - opened);
}

export function left(milliseconds) {
  if (milliseconds <= 0) return "已截止";
  const seconds = Math.floor(milliseconds / 1000);
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days) return `还有 ${days} 天 ${hours} 小时`;
  return hours ? `还有 ${hours} 小时 ${minutes} 分` : `还有 ${minutes} 分 ${seconds % 60} 秒`;
}

export function clockTime(instant) {
  return new Date(instant).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
}

export function countDown() {
  const tick = () => {
    for (const element of document.querySelectorAll("[data-until]")) {
      const text = left(Date.parse(element.dataset.until) - now());
      if (element.textContent !== text) element.textContent = text;
    }
    for (const element of document.querySelectorAll("[data-deadline]:not([data-over])")) {
      if (Date.parse(element.dataset.deadline) > now()) continue;
      element.dataset.over = "";
      const note = document.createElement("span");
      note.setAttribute("role", "alert");
      note.textContent = "时间已到，现在不能提交。已填写的内容仍然保留；如有疑问请拨打业务咨询 010-85235981。";
      element.append(note);
    }
  };
  tick();
  setInterval(tick, 1000);
}
