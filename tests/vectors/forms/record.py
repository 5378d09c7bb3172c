"""Records what a browser posts for the forms of cases.json, octet by octet.

Usage: record.py NAME PROGRAM [ARGUMENT ...], from anywhere, such as

    record.py chromium chromium --headless --no-sandbox --user-data-dir=profile
    record.py firefox firefox-esr --headless --no-remote --profile ./profile

The browser is started with the URL of a page that fills and posts the forms one after another. Each
becomes NAME/ID.http: its Content-Type in a line, an empty line, and the body as it came.
"""

import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
PAGE = """<!doctype html><meta charset=utf-8><title>Forms</title><iframe name=there></iframe>
<script>
const cases = %s;
async function post(each) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/record/" + each.id;
  form.enctype = each.enctype || "multipart/form-data";
  form.target = "there";
  if (each.charset) form.acceptCharset = each.charset;
  for (const [name, value] of each.fields || []) {
    const input = document.createElement("input");
    input.type = "hidden"; input.name = name; input.value = value;
    form.append(input);
  }
  for (const [name, filename, type, text] of each.files || []) {
    const input = document.createElement("input");
    input.type = "file"; input.name = name;
    if (filename !== null) {
      const data = new DataTransfer();
      data.items.add(new File([text], filename, {type}));
      input.files = data.files;
    }
    form.append(input);
  }
  document.body.append(form);
  const frame = document.querySelector("iframe");
  const loaded = new Promise(resolve => frame.addEventListener("load", resolve, {once: true}));
  HTMLFormElement.prototype.submit.call(form);
  await loaded;
  form.remove();
}
onload = async () => {
  for (const each of cases) await post(each);
  await fetch("/done", {method: "POST", body: navigator.userAgent});
};
</script>
"""


def main(name: str, command: list[str]) -> None:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(PAGE % json.dumps(CASES))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/done":
                (folder / "agent.txt").write_bytes(body + b"\n")
                done.set()
            else:
                kind = self.headers["Content-Type"].encode("latin-1")
                target = folder / f"{self.path.rpartition('/')[2]}.http"
                target.write_bytes(kind + b"\n\n" + body)
            self.answer("")

        def answer(self, text: str) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = subprocess.Popen([*command, f"http://127.0.0.1:{server.server_port}/"])
    try:
        if not done.wait(90):
            raise SystemExit("the browser has not posted all forms within 90 seconds")
    finally:
        browser.terminate()
        browser.wait(20)
        server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
