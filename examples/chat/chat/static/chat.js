// One page, one socket. The room stands behind the # of the address; the name is remembered.

const ROOMS = ["lobby", "kitchen", "library"];
const FIRST_PAUSE = 500, LONGEST_PAUSE = 15000;  // milliseconds between attempts to come back

const find = (id) => document.getElementById(id);
const door = find("door"), chat = find("chat"), list = find("entries"), form = find("say");
const input = form.elements.text;

let socket = null;       // the connection in use; what an earlier one still says is not heard
let you = "";
let entries = new Map(); // by id: a history that comes again adds nothing
let attempts = 0;
let timer = 0;

// Who has this key keeps the name when the connection has to be made again.
const key = sessionStorage.getItem("key") ??
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
sessionStorage.setItem("key", key);

const roomOfAddress = () => decodeURIComponent(location.hash.slice(1));

function enter() {
  const name = sessionStorage.getItem("name"), room = roomOfAddress();
  disconnect();
  entries = new Map();
  list.replaceChildren();
  const isInside = Boolean(name && room);
  door.hidden = isInside;
  chat.hidden = !isInside;
  if (!isInside) {
    door.elements.name.value = name ?? localStorage.getItem("name") ?? "";
    door.elements.room.value = room || "lobby";
    door.elements.name.focus();
    document.title = "Chat";
    return;
  }
  document.title = `${room} · Chat`;
  find("room").textContent = room;
  showRooms(room);
  showPeople([]);
  connect(name, room);
}

function disconnect() {
  clearTimeout(timer);
  attempts = 0;
  const old = socket;
  socket = null;
  old?.close(1000);
}

function connect(name, room) {
  clearTimeout(timer);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = new URLSearchParams({ name, key });
  const mine = new WebSocket(
    `${scheme}//${location.host}/rooms/${encodeURIComponent(room)}/socket?${query}`);
  socket = mine;
  showState(attempts ? "Connecting again …" : "Connecting …");
  mine.onmessage = (event) => { if (socket === mine) hear(JSON.parse(event.data)); };
  mine.onclose = () => {
    if (socket !== mine) return;
    // Twice as long each time, and never for all pages at the same moment.
    const pause = Math.min(FIRST_PAUSE * 2 ** attempts, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
    attempts += 1;
    showState("The connection is lost. Trying again …");
    timer = setTimeout(() => connect(name, room), pause);
  };
}

function hear(event) {
  if (event.kind === "welcome") {
    attempts = 0;
    you = event.you;
    showState("");
    showPeople(event.people);
    add(event.history);
  } else if (event.kind === "people") {
    showPeople(event.people);
  } else if (event.kind === "said") {
    add([event]);
  } else if (event.kind === "failed") {
    showProblem(event.reason);
  }
}

function add(some) {
  const fresh = some.filter((entry) => !entries.has(entry.id));
  if (!fresh.length) return;
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const last = Math.max(0, ...entries.keys());
  for (const entry of fresh) entries.set(entry.id, entry);
  if (fresh.every((entry) => entry.id > last)) {
    list.append(...fresh.map(makeEntry));
  } else {
    const sorted = [...entries.values()].sort((a, b) => a.id - b.id);
    list.replaceChildren(...sorted.map(makeEntry));
  }
  if (isAtEnd || fresh.some((entry) => entry.name === you)) list.scrollTop = list.scrollHeight;
}

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

function makeEntry(entry) {
  const item = make("li", "", { className: entry.name === you ? "mine" : "" });
  const head = make("p", "", { className: "who" });
  const moment = new Date(entry.time * 1000);
  head.append(
    make("b", entry.name), " ",
    make("time", moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
         { dateTime: moment.toISOString(), title: moment.toLocaleString() }));
  head.firstChild.style.setProperty("--hue", hueOf(entry.name));
  item.append(head, make("p", entry.text, { className: "text" }));
  return item;
}

function hueOf(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

function showPeople(people) {
  const items = () => people.map((name) => {
    const item = make("li", name);
    item.style.setProperty("--hue", hueOf(name));
    if (name === you) item.append(make("small", " (you)"));
    return item;
  });
  find("people").replaceChildren(...items());
  find("people-small").replaceChildren(...items());
  find("count").textContent = people.length ? `${people.length} here` : "";
}

function showRooms(current) {
  const names = ROOMS.includes(current) ? ROOMS : [...ROOMS, current];
  find("rooms").replaceChildren(...names.map((name) => {
    const item = document.createElement("li");
    const link = make("a", name, { href: `#${name}` });
    if (name === current) link.setAttribute("aria-current", "page");
    item.append(link);
    return item;
  }));
}

function showState(text) {
  find("state").textContent = text;
  find("state").hidden = !text;
  form.querySelector("button").disabled = Boolean(text);
}

function showProblem(text) {
  find("problem").textContent = text;
  find("problem").hidden = !text;
}

function grow() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight + 2}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text || socket?.readyState !== WebSocket.OPEN || !find("state").hidden) return;
  showProblem("");
  socket.send(JSON.stringify({ text }));
  input.value = "";
  grow();
  input.focus();
});

input.addEventListener("input", grow);
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

door.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = door.elements.name.value.trim();
  if (!name) return;
  sessionStorage.setItem("name", name);
  localStorage.setItem("name", name);
  const room = `#${door.elements.room.value}`;
  if (location.hash === room) enter(); else location.hash = room;
});

// Back in sight, or back on a network: no need to wait for the next attempt.
function hurry() {
  if (attempts && socket?.readyState === WebSocket.CLOSED && document.visibilityState === "visible")
    connect(sessionStorage.getItem("name"), roomOfAddress());
}
addEventListener("online", hurry);
document.addEventListener("visibilitychange", hurry);
addEventListener("hashchange", enter);
enter();
