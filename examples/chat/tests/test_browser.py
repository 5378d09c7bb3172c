"""Two people with real Chromium pages, on a phone and on a desktop."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tercel.test_utils import TestClient, TestServer
from tests.peers import require_program
from tests.ports import free_port

playwright = pytest.importorskip("playwright.async_api")

PHONE, DESKTOP = (390, 844), (1280, 800)


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def visitor(browser: Any, url: str, screen: tuple[int, int], name: str) -> AsyncIterator[Any]:
    context = await browser.new_context(viewport={"width": screen[0], "height": screen[1]})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url)
    await page.get_by_label("Your name").fill(name)
    await page.get_by_role("button", name="Enter").click()
    await playwright.expect(page.get_by_role("heading", level=1)).to_have_text("lobby")
    yield page
    assert complaints == []
    await context.close()


async def say(page: Any, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.get_by_label("Message").press("Enter")


async def assert_fits(page: Any, width: int) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    small = "e => e.filter(x => x.getBoundingClientRect().height < 24).map(x => x.outerHTML)"
    assert (
        await page.locator("a:visible, button:visible, summary:visible").evaluate_all(small) == []
    )


@pytest.mark.slow
async def test_two_people_talk(browser: Any, client: TestClient) -> None:
    expect = playwright.expect
    url = str(client.make_url("/"))
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(visitor(browser, url, DESKTOP, "Ada"))
        ben = await stack.enter_async_context(visitor(browser, url, PHONE, "Ben"))
        await expect(ada.locator("#people li")).to_have_text(["Ada (you)", "Ben"])
        await expect(ben.locator("#count")).to_have_text("2 here")
        await say(ada, "Is <b>anybody</b> here?")
        await expect(ben.locator("#entries .text")).to_have_text("Is <b>anybody</b> here?")
        await say(ben, "x" * 300)
        await expect(ada.locator("#entries .text").last).to_have_text("x" * 300)
        await expect(ada.locator("#entries .mine .text")).to_have_count(1)
        await assert_fits(ada, DESKTOP[0])
        await assert_fits(ben, PHONE[0])

        cleo = await stack.enter_async_context(visitor(browser, url, PHONE, "Cleo"))
        await expect(cleo.locator("#entries .text")).to_have_count(2)
        await cleo.locator("summary").click()
        await expect(cleo.locator("#people-small li")).to_have_text(["Ada", "Ben", "Cleo (you)"])
        await assert_fits(cleo, PHONE[0])

        await ada.get_by_role("link", name="kitchen").click()
        await expect(ada.locator("#entries .text")).to_have_count(0)
        await expect(ben.locator("#count")).to_have_text("2 here")
        await expect(ada.locator("#people li")).to_have_text(["Ada (you)"])


@pytest.mark.slow
async def test_the_page_comes_back_after_the_server_does(browser: Any) -> None:
    from chat.app import make_app
    from chat.board import MemoryBoard

    expect = playwright.expect
    port = free_port()
    board = MemoryBoard()
    async with AsyncExitStack() as stack:
        first = TestServer(make_app(board), port=port)
        await first.start_server()
        url = str(first.make_url("/"))
        ada = await stack.enter_async_context(visitor(browser, url, PHONE, "Ada"))
        await say(ada, "before")
        await expect(ada.locator("#entries .text")).to_have_text(["before"])
        await first.close()
        await expect(ada.get_by_role("status")).to_contain_text("The connection is lost")
        await expect(ada.get_by_role("button", name="Send")).to_be_disabled()
        await board.say("lobby", "Ben", "meanwhile")
        second = TestServer(make_app(board), port=port)
        await second.start_server()
        stack.push_async_callback(second.close)
        await expect(ada.locator("#entries .text")).to_have_text(["before", "meanwhile"])
        await expect(ada.get_by_role("status")).to_be_hidden()
        await say(ada, "after")
        await expect(ada.locator("#entries .text")).to_have_text(["before", "meanwhile", "after"])
