"""Jinja2 templates for web applications, with the interface that aiohttp_jinja2 documents.

In: a template's name, a request, a mapping. Out: text, or a `web.Response` that holds it. The
environment lives in the application; a sub-application without one uses its parent's. Imports
Jinja2, which is an optional dependency (`pip install tercel[jinja2]`).
"""

import functools
import inspect
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final, cast

import jinja2
from yarl import URL

from tercel import web
from tercel.abc import AbstractView

__all__ = (
    "APP_CONTEXT_PROCESSORS_KEY",
    "APP_KEY",
    "REQUEST_CONTEXT_KEY",
    "get_env",
    "render_string",
    "render_string_async",
    "render_template",
    "render_template_async",
    "request_processor",
    "setup",
    "static_root_key",
    "template",
)

ContextProcessor = Callable[[web.Request], Awaitable[Mapping[str, Any]]]
Context = Mapping[str, Any]
EnvironmentKey = web.AppKey[jinja2.Environment] | str
Filters = Mapping[str, Callable[..., Any]] | Iterable[tuple[str, Callable[..., Any]]]

#: Where an application keeps its environment.
APP_KEY: Final = web.AppKey("APP_KEY", jinja2.Environment)
#: Where an application keeps its context processors, a list.
APP_CONTEXT_PROCESSORS_KEY: Final = web.AppKey[list[ContextProcessor]]("APP_CONTEXT_PROCESSORS_KEY")
#: Where a request keeps what the context processors made for it.
REQUEST_CONTEXT_KEY: Final = "aiohttp_jinja2_context"
#: Where an application keeps the URL that `static()` puts before a path, such as "/static".
static_root_key: Final = web.AppKey("static_root_key", str)


def setup(
    app: web.Application,
    *args: Any,
    app_key: EnvironmentKey = APP_KEY,
    context_processors: Sequence[ContextProcessor] = (),
    autoescape: bool | Callable[[str | None], bool] = True,
    filters: Filters | None = None,
    default_helpers: bool = True,
    **kwargs: Any,
) -> jinja2.Environment:
    """Make a `jinja2.Environment`, keep it in `app` under `app_key`, and return it.

    `args` and `kwargs` go to the environment. `context_processors` are coroutine functions that
    take the request and return variables for every template; a later one wins. `filters` are
    added to the environment's, `url()` and `static()` too unless `default_helpers` is False. To be
    called before the application starts (aiohttp_jinja2's documentation, "setup").
    """
    options: dict[str, Any] = {**kwargs, "autoescape": autoescape}
    env = jinja2.Environment(*args, **options)
    if default_helpers:
        env.globals.update(url=_url_for, static=_static_url)
    if filters is not None:
        env.filters.update(filters)
    app[app_key] = env
    env.globals["app"] = app
    if context_processors:
        known = app.get(APP_CONTEXT_PROCESSORS_KEY)
        if known is None:
            app[APP_CONTEXT_PROCESSORS_KEY] = list(context_processors)
            app.middlewares.append(_make_middleware(app))
        else:
            known.extend(context_processors)
    return env


def _make_middleware(app: web.Application) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def run_context_processors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        context: MutableMapping[str, Any] = request.setdefault(REQUEST_CONTEXT_KEY, {})
        for process in app[APP_CONTEXT_PROCESSORS_KEY]:
            context.update(await process(request))
        return await handler(request)

    return run_context_processors


async def request_processor(request: web.Request) -> dict[str, web.Request]:
    """A context processor that gives templates the request, as `request`."""
    return {"request": request}


def get_env(app: web.Application, *, app_key: EnvironmentKey = APP_KEY) -> jinja2.Environment:
    """The environment of `app`. RuntimeError where `setup` was not called."""
    env = cast("jinja2.Environment | None", app.get(app_key))
    if env is None:
        raise RuntimeError("aiohttp_jinja2.setup(...) must be called first.")
    return env


def _refuse(sentence: str) -> web.HTTPInternalServerError:
    return web.HTTPInternalServerError(reason=sentence, text=sentence)


def _find_template(
    template_name: str, request: web.Request, context: Context, app_key: EnvironmentKey
) -> tuple[jinja2.Template, Context]:
    """The template and what it is to be rendered with; HTTPInternalServerError where one lacks."""
    env = cast("jinja2.Environment | None", request.config_dict.get(app_key))
    if env is None:
        raise _refuse("Template engine is not initialized, call aiohttp_jinja2.setup() first")
    try:
        found = env.get_template(template_name)
    except jinja2.TemplateNotFound as error:
        raise _refuse(f"Template {template_name!r} not found") from error
    if not isinstance(context, Mapping):
        raise _refuse(f"context should be mapping, not {type(context)}")
    shared = request.get(REQUEST_CONTEXT_KEY)
    return found, {**shared, **context} if shared else context


def render_string(
    template_name: str,
    request: web.Request,
    context: Context,
    *,
    app_key: EnvironmentKey = APP_KEY,
) -> str:
    """The text of a template.

    `context` is a mapping, which wins over the context processors. Raises
    HTTPInternalServerError where the template or the environment lacks, or `context` is no mapping.
    """
    found, variables = _find_template(template_name, request, context, app_key)
    return found.render(variables)


async def render_string_async(
    template_name: str,
    request: web.Request,
    context: Context,
    *,
    app_key: EnvironmentKey = APP_KEY,
) -> str:
    """As `render_string`, for an environment that was set up with `enable_async=True`."""
    found, variables = _find_template(template_name, request, context, app_key)
    return await found.render_async(variables)


def render_template(
    template_name: str,
    request: web.Request,
    context: Context | None,
    *,
    app_key: EnvironmentKey = APP_KEY,
    encoding: str = "utf-8",
    status: int = 200,
) -> web.Response:
    """An HTML response with the text of a template, in `encoding`, under `status`.

    Raises as `render_string` does; None for `context` means no variables.
    """
    text = render_string(template_name, request, _or_empty(context), app_key=app_key)
    return _respond(text, encoding, status)


async def render_template_async(
    template_name: str,
    request: web.Request,
    context: Context | None = None,
    *,
    app_key: EnvironmentKey = APP_KEY,
    encoding: str = "utf-8",
    status: int = 200,
) -> web.Response:
    """As `render_template`, for an environment that was set up with `enable_async=True`."""
    text = await render_string_async(template_name, request, _or_empty(context), app_key=app_key)
    return _respond(text, encoding, status)


def _or_empty(context: Context | None) -> Context:
    return {} if context is None else context


def _respond(text: str, encoding: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", charset=encoding)


def template(
    template_name: str,
    *,
    app_key: EnvironmentKey = APP_KEY,
    encoding: str = "utf-8",
    status: int = 200,
) -> Callable[[Callable[..., Any]], Callable[..., Awaitable[web.StreamResponse]]]:
    """Render what a handler returns with a template.

    For functions and methods that take the request last, and for methods of a `web.View`, with
    `async` or without. A handler may return a mapping, None for no variables, or a response,
    which is passed on. Raises as `render_string` does.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Awaitable[web.StreamResponse]]:
        @functools.wraps(handler)
        async def render(*args: Any) -> web.StreamResponse:
            context = handler(*args)
            if inspect.isawaitable(context):
                context = await context
            if isinstance(context, web.StreamResponse):
                return context
            request = args[0].request if isinstance(args[0], AbstractView) else args[-1]
            env = request.config_dict.get(app_key)
            if env is not None and env.is_async:
                return await render_template_async(
                    template_name,
                    request,
                    context,
                    app_key=app_key,
                    encoding=encoding,
                    status=status,
                )
            return render_template(
                template_name, request, context, app_key=app_key, encoding=encoding, status=status
            )

        return render

    return decorate


@jinja2.pass_context
def _url_for(
    context: jinja2.runtime.Context,
    route_name: str,
    /,
    query_: Mapping[str, str] | None = None,
    **parts: str | int,
) -> URL:
    """`url(name, query_={...}, **parts)` in a template: the URL of a named route.

    Raises KeyError for an unknown name or a missing part, TypeError for a part that is neither
    str nor int.
    """
    app = context["app"]
    texts = {}
    for name, part in parts.items():
        if not isinstance(part, str | int):
            raise TypeError(
                f"argument value should be str or int, got {name} -> [{type(part)}] {part!r}"
            )
        texts[name] = str(part)
    url: URL = app.router[route_name].url_for(**texts)
    return url.with_query(query_) if query_ else url


@jinja2.pass_context
def _static_url(context: jinja2.runtime.Context, static_file_path: str) -> str:
    """`static(path)` in a template: the path below `app[static_root_key]`.

    Raises RuntimeError where the application has no such key.
    """
    app = context["app"]
    root = app.get(static_root_key)
    if root is None:
        root = app.get("static_root_url")
        if root is not None:
            warnings.warn(
                "'static_root_url' is deprecated, use aiohttp_jinja2.static_root_key.",
                DeprecationWarning,
                stacklevel=2,
            )
    if root is None:
        raise RuntimeError(
            "app does not define a static root url, you need to set the url root with "
            "app[aiohttp_jinja2.static_root_key] = '<static root>'."
        )
    return f"{root.rstrip('/')}/{static_file_path.lstrip('/')}"
