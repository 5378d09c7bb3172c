// Uploads in pieces that go on where they were broken off, also after the page was closed: the URL
// of an unfinished one is remembered by the file's name, size and time.

const PIECE = 16 * 1024 * 1024;
const AT_ONCE = 2;
const find = (selector, where = document) => where.querySelector(selector);
const make = id => find(`#${id}`).content.firstElementChild.cloneNode(true);
const rest = milliseconds => new Promise(done => setTimeout(done, milliseconds));

function formatSize(size) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  while (size >= 999.5 && step < units.length - 1) { size /= 1000; step++; }
  return `${step && size < 99.5 ? size.toFixed(1) : Math.round(size)} ${units[step]}`;
}

function tellProblem(text) {
  const box = find("#problem");
  box.textContent = text;
  box.hidden = !text;
}

// What is here

async function showFiles() {
  const answer = await fetch("/api/files");
  if (!answer.ok) throw new Error(`The list can't be read (${answer.status}).`);
  const {files, maxSize} = await answer.json();
  find("#limit").textContent = `Up to ${formatSize(maxSize)} each. What breaks off goes on where it was.`;
  find("#files").replaceChildren(...files.map(makeRow));
  find("#empty").hidden = files.length > 0;
  const total = files.reduce((sum, file) => sum + file.size, 0);
  find("#sum").textContent = files.length ? `${files.length} · ${formatSize(total)}` : "";
}

function makeRow(file) {
  const row = make("file");
  const link = find(".name", row);
  link.textContent = link.download = file.name;
  link.href = file.url;
  const when = new Date(file.modified * 1000).toLocaleString([], {dateStyle: "medium", timeStyle: "short"});
  find(".facts", row).textContent = `${formatSize(file.size)} · ${when}`;
  const button = find(".delete", row);
  button.setAttribute("aria-label", `Delete ${file.name}`);
  button.onclick = async () => {
    if (!confirm(`Delete ${file.name}?`)) return;
    await fetch(`/api/files/${encodeURIComponent(file.name)}`, {method: "DELETE"});
    await refresh();
  };
  return row;
}

async function refresh() {
  try {
    await showFiles();
  } catch (error) {
    tellProblem(error instanceof TypeError ? "The server can't be reached." : error.message);
  }
}

// What is on its way

class Upload {
  constructor(file) {
    this.file = file;
    this.key = `upload ${file.name} ${file.size} ${file.lastModified}`;
    this.url = localStorage.getItem(this.key);
    this.offset = 0;
    this.paused = this.ended = false;
    this.row = make("upload");
    find(".name", this.row).textContent = file.name;
    find(".pause", this.row).onclick = () => this.paused ? this.goOn() : this.pause();
    find(".cancel", this.row).onclick = () => this.cancel();
    find("#uploads").append(this.row);
    this.show(0, "Waiting");
  }

  show(offset, text) {
    const {size} = this.file;
    this.shown = offset;
    find("progress", this.row).value = size ? offset / size : 1;
    find(".state", this.row).textContent =
      `${text} · ${formatSize(offset)} of ${formatSize(size)}`;
  }

  pause() {
    this.paused = true;
    this.request?.abort();
    find(".pause", this.row).textContent = "Go on";
    this.show(this.shown, "Paused");
    startNext();
  }

  goOn() {
    this.paused = false;
    find(".pause", this.row).textContent = "Pause";
    this.row.classList.remove("failed");
    this.show(this.shown, "Waiting");
    startNext();
  }

  async cancel() {
    this.ended = this.paused = true;
    this.request?.abort();
    if (this.url) await fetch(this.url, {method: "DELETE"}).catch(() => {});
    this.leave();
  }

  leave() {
    this.ended = true;
    localStorage.removeItem(this.key);
    this.row.remove();
    uploads.splice(uploads.indexOf(this), 1);
    find("#coming").hidden = uploads.length === 0;
    startNext();
  }

  fail(text) {
    this.pause();
    this.row.classList.add("failed");
    find(".state", this.row).textContent = text;
  }

  // To the end, or until somebody pauses it; where the connection breaks, it tries again.
  async run() {
    this.running = true;
    let wait = 500;
    while (!this.paused && !this.ended) {
      try {
        if (!await this.locate()) break;
        if (await this.sendPiece()) break;
        wait = 500;
      } catch (error) {
        if (this.paused || this.ended) break;
        if (error instanceof Error) {
          this.fail(error.message);
          break;
        }
        this.known = false;
        this.show(this.shown, "The connection is lost, trying again");
        await rest(wait);
        wait = Math.min(wait * 2, 15000);
      }
    }
    this.running = false;
    startNext();
  }

  // Find out where to go on, or begin anew. False where nothing is left to be sent.
  async locate() {
    if (this.known) return true;
    if (this.url) {
      const answer = await this.ask("HEAD", this.url);
      if (answer.status === 200) {
        this.offset = Number(answer.getResponseHeader("Upload-Offset"));
        return this.known = true;
      }
      this.url = null;
    }
    const wish = JSON.stringify({name: this.file.name, size: this.file.size});
    const answer = await this.ask("POST", "/uploads", wish, {"Content-Type": "application/json"});
    if (answer.status === 200) {
      await this.finish();
      return false;
    }
    if (answer.status !== 201) throw new Error(answer.responseText || `It was refused (${answer.status}).`);
    this.url = answer.getResponseHeader("Location");
    localStorage.setItem(this.key, this.url);
    this.offset = 0;
    return this.known = true;
  }

  // True where that was the last.
  async sendPiece() {
    const start = this.offset;
    const piece = this.file.slice(start, start + PIECE);
    this.show(start, "Uploading");
    const note = event => this.show(start + Math.min(event.loaded, piece.size), "Uploading");
    const headers = {"Upload-Offset": String(start), "Content-Type": "application/octet-stream"};
    const answer = await this.ask("PATCH", this.url, piece, headers, note);
    if (answer.status === 200) {
      await this.finish();
      return true;
    }
    if (answer.status === 204) {
      this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    } else if (answer.status === 409 || answer.status === 404) {
      this.known = false;
    } else {
      throw new Error(answer.responseText || `It was refused (${answer.status}).`);
    }
    return false;
  }

  async finish() {
    this.leave();
    await refresh();
  }

  // XMLHttpRequest, because fetch does not tell how much it has sent. Rejects with null where there
  // is no answer.
  ask(method, url, body = null, headers = {}, onprogress = null) {
    return new Promise((done, fail) => {
      const request = this.request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (onprogress) request.upload.onprogress = onprogress;
      request.onload = () => request.status >= 500 && request.status !== 507 ? fail(null) : done(request);
      request.onerror = request.onabort = request.ontimeout = () => fail(null);
      request.send(body);
    });
  }
}

const uploads = [];

function startNext() {
  let running = uploads.filter(upload => upload.running).length;
  for (const upload of uploads) {
    if (running >= AT_ONCE) break;
    if (!upload.running && !upload.paused && !upload.ended) {
      running++;
      upload.known = false;
      upload.run();
    }
  }
}

function take(files) {
  tellProblem("");
  for (const file of files) {
    const key = `upload ${file.name} ${file.size} ${file.lastModified}`;
    if (!uploads.some(upload => upload.key === key)) uploads.push(new Upload(file));
  }
  find("#coming").hidden = uploads.length === 0;
  startNext();
}

find("#choose").onchange = event => {
  take([...event.target.files]);
  event.target.value = "";
};
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, event => {
    event.preventDefault();
    find("#drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") take([...event.dataTransfer.files]);
  });
}
window.addEventListener("beforeunload", event => {
  if (uploads.some(upload => upload.running)) event.preventDefault();
});
refresh();
