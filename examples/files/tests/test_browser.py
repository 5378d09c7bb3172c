"""The page in real Chromium: many files, broken off and gone on with, on phone and desktop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tercel.test_utils import TestClient, TestServer, unused_port
from tests.peers import require_program

playwright = pytest.importorskip("playwright.async_api")

PHONE, DESKTOP = (390, 844), (1280, 800)
SIZE = 20_000_000  # more than one piece of the page's

DROP = """([name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    const more = {dataTransfer: data, bubbles: true, cancelable: true};
    const event = kind => new DragEvent(kind, more);
    const box = document.querySelector("#drop");
    box.dispatchEvent(event("dragover"));
    const marked = box.classList.contains("over");
    box.dispatchEvent(event("drop"));
    return marked;
}"""


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def visitor(browser: Any, url: str, screen: tuple[int, int]) -> AsyncIterator[Any]:
    context = await browser.new_context(viewport={"width": screen[0], "height": screen[1]})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url)
    yield page
    assert complaints == []
    await context.close()


async def assert_fits(page: Any, width: int) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    small = "e => e.filter(x => x.getBoundingClientRect().height < 24).map(x => x.outerHTML)"
    assert await page.locator("a:visible, button:visible").evaluate_all(small) == []


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(1_000_000) * (SIZE // 1_000_000))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("screen", [PHONE, DESKTOP])
async def test_many_files_up_and_down(
    browser: Any, client: TestClient, shelf: Any, tmp_path: Path, large: Path, screen: Any
) -> None:
    expect = playwright.expect
    wild = tmp_path / "<img src=x onerror=alert(1)>.html"
    wild.write_text("<script>document.title = 'no'</script>")
    long = tmp_path / ("a-name-without-an-end-" * 7 + ".txt")
    long.write_text("long")
    async with visitor(browser, str(client.make_url("/")), screen) as page:
        await expect(page.get_by_text("No files yet.")).to_be_visible()
        await page.locator("#choose").set_input_files([large, wild, long])
        await expect(page.locator("#files li")).to_have_count(3)
        assert await page.evaluate(DROP, ["dropped.txt", "dropped"]) is True
        await expect(page.locator("#files li")).to_have_count(4)
        await expect(page.locator("#coming")).to_be_hidden()
        await expect(page.locator("#sum")).to_contain_text("4 \u00b7 20.0 MB")
        await expect(page.locator("#files")).to_contain_text("_img src=x onerror=alert(1)_.html")
        await assert_fits(page, screen[0])
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="large.bin").click()
        download = await downloading.value
        assert Path(await download.path()).read_bytes() == large.read_bytes()
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Delete dropped.txt").click()
        await expect(page.locator("#files li")).to_have_count(3)
        assert await page.title() == "Files"
    assert (shelf.kept / "large.bin").read_bytes() == large.read_bytes()
    assert list(shelf.coming.glob("*.part")) == []


class Gate:
    """Lets a number of octets to the disk, then holds until it is opened, or breaks."""

    def __init__(self, octets: int) -> None:
        self.left = octets
        self.broken = False
        self.opened = threading.Event()
        self.reached = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def write(self, file: Any, data: bytes) -> None:
        file.write(data)
        self.left -= len(data)
        if self.left <= 0:
            self._loop.call_soon_threadsafe(self.reached.set)
            self.opened.wait(60)
            if self.broken:
                raise OSError("the disk has gone")


@pytest.mark.slow
async def test_an_upload_goes_on_after_everything(
    browser: Any, shelf: Any, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is paused; the server goes away and comes back; the page is closed and opened again."""
    from files import views
    from files.app import make_app

    expect = playwright.expect
    port = unused_port()
    async with AsyncExitStack() as stack:

        async def serve(gate: Gate) -> TestServer:
            monkeypatch.setattr(views, "write_all", gate.write)
            stack.callback(gate.opened.set)  # whatever fails, no thread waits
            server = TestServer(make_app(shelf), port=port)
            await server.start_server()
            stack.push_async_callback(server.close)
            return server

        gate = Gate(2_000_000)
        first = await serve(gate)
        url = str(first.make_url("/"))
        page = await stack.enter_async_context(visitor(browser, url, PHONE))
        await page.locator("#choose").set_input_files(large)
        await asyncio.wait_for(gate.reached.wait(), 20)
        state = page.locator("#uploads .state")
        await expect(state).to_contain_text("of 20.0 MB")
        await page.get_by_role("button", name="Pause").click()
        await expect(state).to_contain_text("Paused")
        await assert_fits(page, PHONE[0])
        gate.opened.set()
        await first.close()
        gate = Gate(3_000_000)
        second = await serve(gate)
        await page.get_by_role("button", name="Go on").click()
        await asyncio.wait_for(gate.reached.wait(), 20)
        (part,) = shelf.coming.glob("*.part")
        before = part.stat().st_size
        assert before >= 5_000_000 - 512 * 1024

        gate.broken = True
        gate.opened.set()
        await second.close()
        await expect(state).to_contain_text("The connection is lost")
        gate = Gate(3_000_000)
        await serve(gate)
        await asyncio.wait_for(gate.reached.wait(), 25)
        assert part.stat().st_size > before

        page.on("dialog", lambda dialog: dialog.accept())
        await page.reload()
        await expect(page.get_by_text("No files yet.")).to_be_visible()
        gate.opened.set()
        await page.locator("#choose").set_input_files(large)
        await expect(page.locator("#files li")).to_have_count(1)
    assert (shelf.kept / "large.bin").read_bytes() == large.read_bytes()
    assert list(shelf.coming.glob("*.part")) == []


@pytest.mark.slow
async def test_what_is_refused_is_said(browser: Any, client: TestClient, tmp_path: Path) -> None:
    expect = playwright.expect
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(60_000_000)
    async with visitor(browser, str(client.make_url("/")), PHONE) as page:
        await page.locator("#choose").set_input_files(huge)
        await expect(page.locator("#uploads .state")).to_contain_text("A file may have 50000000")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator("#coming")).to_be_hidden()
