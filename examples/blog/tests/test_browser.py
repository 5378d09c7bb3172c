"""A visit with a real Chromium, on a phone and on a desktop: from registering to logging out."""

import struct
import zlib
from collections.abc import AsyncIterator

import pytest

from tercel.test_utils import TestServer
from tests.peers import require_program

from .people import PASSWORD

playwright = pytest.importorskip("playwright.async_api")

SCREENS = {"phone": (390, 844), "desktop": (1280, 800)}


def draw_picture(width: int, height: int) -> bytes:
    """A PNG with a slope of colours."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(
        b"\0" + b"".join(bytes((x * 255 // width, 90, y * 255 // height)) for x in range(width))
        for y in range(height)
    )
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
async def browser() -> AsyncIterator[playwright.Browser]:
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
async def test_somebody_writes_and_a_stranger_reads(
    browser: playwright.Browser, server: TestServer, screen: str
) -> None:
    width, height = SCREENS[screen]
    size = {"width": width, "height": height}
    base = str(server.make_url("/"))
    expect = playwright.expect
    complaints: list[str] = []

    async def arrive() -> playwright.Page:
        context = await browser.new_context(viewport=size, base_url=base)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", note_failure)
        return page

    def note_failure(request: playwright.Request) -> None:
        # A browser that leaves a page drops what it still loads of it.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(request.url)

    async def assert_fits(page: playwright.Page) -> None:
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        small = "e => e.filter(x => x.getBoundingClientRect().height < 24).map(x => x.outerHTML)"
        buttons = page.locator("a.button:visible, button:visible, input:visible")
        assert await buttons.evaluate_all(small) == []

    ada = await arrive()
    await ada.goto("/")
    await expect(ada).to_have_title("Posts · Perch")
    await assert_fits(ada)
    await ada.get_by_role("link", name="Register").click()
    await ada.get_by_label("Name").fill("Ada")
    await ada.get_by_label("Password").fill(PASSWORD)
    await assert_fits(ada)
    await ada.get_by_role("button", name="Register").click()
    await ada.get_by_role("button", name="Log out").click()
    await ada.get_by_role("link", name="Log in").click()
    await ada.get_by_label("Name").fill("Ada")
    await ada.get_by_label("Password").fill("a wrong one")
    await ada.get_by_role("button", name="Log in").click()
    await expect(ada.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    await assert_fits(ada)
    await ada.get_by_label("Password").fill(PASSWORD)
    await ada.get_by_role("button", name="Log in").click()

    await ada.get_by_role("link", name="Write").click()
    await ada.get_by_label("Title").fill("A kestrel on the wire")
    await ada.get_by_label("Text").fill("It sat there all morning.\n\nThen it did not.")
    picture = {"name": "kestrel.png", "mimeType": "image/png", "buffer": draw_picture(320, 200)}
    await ada.get_by_label("Picture").set_input_files(picture)
    await assert_fits(ada)
    await ada.get_by_role("button", name="Publish").click()
    await expect(ada.get_by_role("heading", level=1)).to_have_text("A kestrel on the wire")
    shown = ada.get_by_role("img", name="The picture of this post")
    await expect(shown).to_have_js_property("naturalWidth", 320)
    await ada.get_by_label("Your comment").fill("More tomorrow.")
    await ada.get_by_role("button", name="Comment").click()
    await expect(ada.locator(".comments li")).to_contain_text("More tomorrow.")
    await expect(ada.get_by_role("heading", level=2)).to_have_text("1 comment")
    await assert_fits(ada)

    stranger = await arrive()
    await stranger.goto("/")
    await assert_fits(stranger)
    await stranger.get_by_role("link", name="A kestrel on the wire").click()
    await expect(stranger.locator(".text").first).to_contain_text("Then it did not.")
    await expect(stranger.get_by_role("link", name="Edit")).to_have_count(0)
    await expect(stranger.get_by_role("button", name="Delete")).to_have_count(0)
    await stranger.goto("/posts/1/edit")
    await expect(stranger).to_have_title("Log in · Perch")

    await ada.get_by_role("link", name="Edit").click()
    await ada.get_by_label("Title").fill("A kestrel, on the wire")
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_role("heading", level=1)).to_have_text("A kestrel, on the wire")
    await ada.get_by_role("button", name="Log out").click()
    await expect(ada.get_by_role("link", name="Log in")).to_be_visible()
    answer = await ada.goto("/posts/7")
    assert answer is not None
    assert answer.status == 404
    await assert_fits(ada)
    assert complaints == []
