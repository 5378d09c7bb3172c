"""A visit with a real Chromium, on a phone and on a desktop."""

import re
from collections.abc import AsyncIterator

import pytest

from tercel.test_utils import TestClient
from tests.peers import require_program

playwright = pytest.importorskip("playwright.async_api")

SCREENS = {"phone": (390, 844), "desktop": (1280, 800)}


@pytest.fixture
async def browser() -> AsyncIterator[playwright.Browser]:
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
async def test_a_visitor_votes(
    browser: playwright.Browser, client: TestClient, screen: str
) -> None:
    width, height = SCREENS[screen]
    page = await browser.new_page(
        viewport={"width": width, "height": height}, base_url=str(client.make_url("/"))
    )
    expect = playwright.expect
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def note_failure(request: playwright.Request) -> None:
        # A browser that leaves a page drops what it still loads of it.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(request.url)

    page.on("requestfailed", note_failure)

    async def assert_fits() -> None:
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        small = "e => e.filter(x => x.getBoundingClientRect().height < 24).map(x => x.outerHTML)"
        assert await page.locator("a:not(.stretched), button, label").evaluate_all(small) == []

    await page.goto("/")
    await expect(page).to_have_title("Questions · Polls")
    await assert_fits()
    await page.get_by_role("link", name="How do you take your coffee?", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("How do you take your coffee?")
    await assert_fits()

    await page.get_by_role("button", name="Vote").click()
    await expect(page.get_by_role("alert")).to_have_text("Please choose one of the answers.")
    await assert_fits()

    await page.get_by_text("Tea, please").click()
    await expect(page.get_by_role("radio", name="Tea, please")).to_be_checked()
    await page.get_by_role("button", name="Vote").click()
    await expect(page).to_have_url(re.compile(r"/question/2/results\?chosen=8$"))
    await expect(page.get_by_role("status")).to_contain_text("Your vote for Tea, please")
    await expect(page.locator(".results li.chosen .count")).to_have_text("11 votes31%")
    await page.reload()
    await expect(page.locator(".results li.chosen .count")).to_have_text("11 votes31%")
    await assert_fits()
    bars = "e => e.map(x => x.getBoundingClientRect().width)"
    await page.locator(".bar").evaluate_all(
        "e => Promise.all(e.flatMap(x => x.getAnimations()).map(a => a.finished))"
    )
    black, milk, sugar, tea = await page.locator(".bar").evaluate_all(bars)
    assert sugar < black < tea < milk

    answer = await page.goto("/nowhere")
    assert answer is not None
    assert answer.status == 404
    await assert_fits()
    await page.get_by_role("link", name="All questions").click()
    await expect(page).to_have_title("Questions · Polls")
    assert complaints == []
    await page.close()
