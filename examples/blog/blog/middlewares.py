"""The pages for what goes wrong, in the looks of the blog."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)

SENTENCES = {
    403: "This is not yours to do.",
    404: "There is nothing here, or not any more.",
    405: "That can't be done here.",
    413: "What you sent is too large: a picture may have 5 MiB.",
    500: "Something broke on our side. We have been told.",
}


@web.middleware
async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page for each status in SENTENCES; other answers pass."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status not in SENTENCES:
            raise
        status, headers = error.status, error.headers
        sentence = error.text if status == 403 and "token" in (error.text or "") else None
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        status, headers, sentence = 500, {}, None
    context = {
        "status": status,
        "title": HTTPStatus(status).phrase,
        "sentence": sentence or SENTENCES[status],
    }
    response = aiohttp_jinja2.render_template("error.html", request, context, status=status)
    if "Allow" in headers:
        response.headers["Allow"] = headers["Allow"]
    return response
