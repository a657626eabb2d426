// Attachments: sent as soon as they are chosen, with progress and another try; what is too large is said before.
import { refused, renew, token } from "./session.js";

// What people give most often, and what to do then.
const INSTEAD = { webp: "。请用看图软件另存为 JPG 或 PNG 后上传" };

// Files of this page under way at once; the others wait here, since the server refuses too many of one person.
const AT_ONCE = 3;
let sending = 0;
const waiting = [];

// Waits for a file's turn; false after 取消.
function turn(stop) {
  if (sending < AT_ONCE) {
    sending += 1;
    return Promise.resolve(true);
  }
  return new Promise((go) => {
    waiting.push(go);
    stop.onclick = () => { waiting.splice(waiting.indexOf(go), 1); go(false); };
  });
}

function turnOver() {
  const next = waiting.shift();
  if (next) next(true);
  else sending -= 1;
}

export function slots(form, keeper) {
  return [...form.querySelectorAll("[data-slot]")].map((block) => new Slot(block, form, keeper));
}

class Slot {
  constructor(block, form, keeper) {
    this.key = block.dataset.slot;
    this.block = block;
    this.form = form;
    this.keeper = keeper;
    this.list = block.querySelector("[data-files]");
    this.input = block.querySelector("input[type=file]");
    block.querySelector(`button[value="upload:${this.key}"]`).hidden = true;
    this.input.addEventListener("change", () => this.chosen(this.input.files));
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) block.addEventListener(type, (event) => this.dragged(event));
    new MutationObserver(() => this.counted()).observe(this.list, { childList: true, subtree: true });
    // Whoever was faster than this script has chosen already.
    if (this.input.files.length) this.chosen(this.input.files);
  }

  // Whether the button was one of this slot's.
  submitted(action, button) {
    if (!action.startsWith(`unlink:${this.key}:`)) return false;
    button.closest(".file").remove();
    this.input.focus();
    this.keeper.touched();
    return true;
  }

  chosen(files) {
    for (const file of files) this.take(file);
    this.input.value = "";
  }

  // Files from a folder, let go anywhere on the slot; text that is dragged goes where it always goes.
  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.block.classList.toggle("dropping", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") this.chosen(event.dataTransfer.files);
  }

  // 合并为一个PDF is there once there is something to join.
  counted() {
    const join = this.block.querySelector("[data-join]");
    if (join) join.hidden = this.list.querySelectorAll("input[type=hidden]").length < 2;
  }

  take(file) {
    const line = document.createElement("p");
    line.className = "file";
    const name = document.createElement("span");
    name.textContent = `${file.name}（${size(file.size)}）`;
    line.append(name);
    this.list.append(line);
    const fault = this.unfit(file);
    if (fault) return this.refuse(line, fault);
    this.send(file, line);
  }

  unfit(file) {
    const max = Number(this.block.dataset.maxMb);
    const kind = file.name.toLowerCase().split(".").pop();
    if (!this.block.dataset.accept.split(" ").includes(kind)) {
      return `只支持 ${this.block.dataset.accept.replaceAll(" ", "、")} 文件${INSTEAD[kind] || ""}`;
    }
    if (!file.size) return "文件是空的，请重新选择";
    if (file.size > max * 1048576) {
      return `超过 ${max} MB。扫描件可改用 200–300 dpi 灰度重新扫描，或在 WPS 中“输出为PDF”时选择较小文件，也可以拆成几个文件上传`;
    }
    const held = this.block.querySelectorAll("input[type=hidden]").length;
    if (held >= Number(this.block.dataset.maxFiles)) return `最多 ${this.block.dataset.maxFiles} 个文件，请先移除一个`;
    return "";
  }

  send(file, line) {
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `正在上传 ${file.name}`);
    const stop = button("取消");
    line.append(bar, stop);
    const done = this.tried(file, bar, stop).then((act) => {
      bar.remove();
      stop.remove();
      act(line);
    });
    this.keeper.carries(done);
  }

  // What to do with the file's line afterwards. A token of before is taken anew once.
  async tried(file, bar, stop) {
    const again = (text) => (line) => this.refuse(line, text, file);
    const taken = (line) => { line.remove(); this.input.focus(); };
    if (!await turn(stop)) return taken;
    try {
      let request = await this.transfer(file, bar, stop);
      if (refused(request.status)) {
        const state = await renew();
        if (state !== "mine") {
          this.keeper.leave(state);
          return (line) => {
            again(state === "other" ? "浏览器中现在登录的是另一账号，未能上传" : "登录已过期，未能上传")(line);
            this.keeper.resumed.push(() => line.querySelector("[data-retry]")?.click());
          };
        }
        request = await this.transfer(file, bar, stop);
      }
      if (!request.status) return taken;
      const answer = JSON.parse(request.responseText || "{}");
      if (request.status === 201) return (line) => this.accept(line, answer);
      const final = request.status >= 400 && request.status < 500 && ![401, 403, 429].includes(request.status);
      return (line) => this.refuse(line, answer.detail || "未能上传", final ? null : file);
    } catch {
      return again("网络中断，未能上传");
    } finally {
      turnOver();
    }
  }

  // The answered request; its status is 0 after 取消.
  transfer(file, bar, stop) {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ section: this.form.dataset.section, slot: this.key.split(".")[0] });
    request.open("POST", `${this.form.dataset.api}/attachments?${query}`);
    request.setRequestHeader("X-CSRF-Token", token());
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
    stop.onclick = () => request.abort();
    const data = new FormData();
    // No header can hold what ends a line.
    data.append("file", file, file.name.replace(/[\u0000-\u001f\u007f-\u009f]/g, " "));
    return new Promise((resolve, reject) => {
      request.addEventListener("load", () => resolve(request));
      request.addEventListener("abort", () => resolve(request));
      request.addEventListener("error", reject);
      request.send(data);
    });
  }

  accept(line, made) {
    const hidden = document.createElement("input");
    hidden.type = "hidden";
    hidden.name = `s.${this.key}`;
    hidden.value = made.id;
    const link = document.createElement("a");
    link.href = `${this.form.dataset.api}/attachments/${made.id}`;
    link.textContent = made.name;
    const small = document.createElement("small");
    small.textContent = size(made.size);
    const remove = button("移除");
    remove.addEventListener("click", () => { line.remove(); this.input.focus(); this.keeper.touched(); });
    line.replaceChildren(hidden, thumbnail(link.href, made.name), link, small, remove);
    this.keeper.touched();
  }

  refuse(line, text, file = null) {
    const said = document.createElement("span");
    said.className = "error";
    said.setAttribute("role", "alert");
    said.textContent = text;
    const gone = button("知道了");
    gone.addEventListener("click", () => { line.remove(); this.input.focus(); });
    line.append(said);
    if (file) {
      const retry = button("重试");
      retry.dataset.retry = "";
      retry.addEventListener("click", () => { said.remove(); retry.remove(); gone.remove(); this.send(file, line); });
      line.append(retry);
    }
    line.append(gone);
  }
}

// The first page; where there is none to be drawn, what kind of file it is.
function thumbnail(file, name) {
  const made = document.createElement("span");
  made.className = "thumb";
  made.dataset.kind = name.split(".").pop().slice(0, 4).toUpperCase();
  const image = new Image(56, 56);
  image.alt = "";
  image.loading = "lazy";
  image.src = `${file}/thumbnail`;
  made.append(image);
  return made;
}

function button(text) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "link";
  made.textContent = text;
  return made;
}

function size(bytes) {
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
