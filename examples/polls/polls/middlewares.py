"""The pages for what goes wrong, in the looks of the application."""

import logging
from collections.abc import Awaitable, Callable

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)


def setup_middlewares(app: web.Application) -> None:
    app.middlewares.append(make_error_pages({404: "404.html", 500: "500.html"}))


def make_error_pages(templates: dict[int, str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that answers each status in `templates` with that template."""

    @web.middleware
    async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.status not in templates:
                raise
            status = error.status
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            status = 500
        else:
            if response.status not in templates:
                return response
            status = response.status
        return aiohttp_jinja2.render_template(templates[status], request, {}, status=status)

    return error_pages
