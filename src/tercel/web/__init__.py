"""The server's public names, as `from tercel import web` gives them (web_reference).

A module is imported when one of its names is first asked for, and all of them by a type checker.
`_NAMES` says which module has which.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tercel.web.app import (
        Application as Application,
    )
    from tercel.web.badpayload import (
        PayloadAccessError as PayloadAccessError,
    )
    from tercel.web.badpayload import (
        RequestPayloadError as RequestPayloadError,
    )
    from tercel.web.cleanup import (
        CleanupError as CleanupError,
    )
    from tercel.web.codings import (
        ContentCoding as ContentCoding,
    )
    from tercel.web.compression import (
        compression_middleware as compression_middleware,
    )
    from tercel.web.dispatcher import (
        UrlDispatcher as UrlDispatcher,
    )
    from tercel.web.errors import (
        HTTPAccepted as HTTPAccepted,
    )
    from tercel.web.errors import (
        HTTPBadGateway as HTTPBadGateway,
    )
    from tercel.web.errors import (
        HTTPBadRequest as HTTPBadRequest,
    )
    from tercel.web.errors import (
        HTTPClientError as HTTPClientError,
    )
    from tercel.web.errors import (
        HTTPConflict as HTTPConflict,
    )
    from tercel.web.errors import (
        HTTPCreated as HTTPCreated,
    )
    from tercel.web.errors import (
        HTTPError as HTTPError,
    )
    from tercel.web.errors import (
        HTTPException as HTTPException,
    )
    from tercel.web.errors import (
        HTTPExpectationFailed as HTTPExpectationFailed,
    )
    from tercel.web.errors import (
        HTTPFailedDependency as HTTPFailedDependency,
    )
    from tercel.web.errors import (
        HTTPForbidden as HTTPForbidden,
    )
    from tercel.web.errors import (
        HTTPFound as HTTPFound,
    )
    from tercel.web.errors import (
        HTTPGatewayTimeout as HTTPGatewayTimeout,
    )
    from tercel.web.errors import (
        HTTPGone as HTTPGone,
    )
    from tercel.web.errors import (
        HTTPInsufficientStorage as HTTPInsufficientStorage,
    )
    from tercel.web.errors import (
        HTTPInternalServerError as HTTPInternalServerError,
    )
    from tercel.web.errors import (
        HTTPLengthRequired as HTTPLengthRequired,
    )
    from tercel.web.errors import (
        HTTPMethodNotAllowed as HTTPMethodNotAllowed,
    )
    from tercel.web.errors import (
        HTTPMisdirectedRequest as HTTPMisdirectedRequest,
    )
    from tercel.web.errors import (
        HTTPMove as HTTPMove,
    )
    from tercel.web.errors import (
        HTTPMovedPermanently as HTTPMovedPermanently,
    )
    from tercel.web.errors import (
        HTTPMultipleChoices as HTTPMultipleChoices,
    )
    from tercel.web.errors import (
        HTTPNetworkAuthenticationRequired as HTTPNetworkAuthenticationRequired,
    )
    from tercel.web.errors import (
        HTTPNoContent as HTTPNoContent,
    )
    from tercel.web.errors import (
        HTTPNonAuthoritativeInformation as HTTPNonAuthoritativeInformation,
    )
    from tercel.web.errors import (
        HTTPNotAcceptable as HTTPNotAcceptable,
    )
    from tercel.web.errors import (
        HTTPNotExtended as HTTPNotExtended,
    )
    from tercel.web.errors import (
        HTTPNotFound as HTTPNotFound,
    )
    from tercel.web.errors import (
        HTTPNotImplemented as HTTPNotImplemented,
    )
    from tercel.web.errors import (
        HTTPNotModified as HTTPNotModified,
    )
    from tercel.web.errors import (
        HTTPOk as HTTPOk,
    )
    from tercel.web.errors import (
        HTTPPartialContent as HTTPPartialContent,
    )
    from tercel.web.errors import (
        HTTPPaymentRequired as HTTPPaymentRequired,
    )
    from tercel.web.errors import (
        HTTPPermanentRedirect as HTTPPermanentRedirect,
    )
    from tercel.web.errors import (
        HTTPPreconditionFailed as HTTPPreconditionFailed,
    )
    from tercel.web.errors import (
        HTTPPreconditionRequired as HTTPPreconditionRequired,
    )
    from tercel.web.errors import (
        HTTPProxyAuthenticationRequired as HTTPProxyAuthenticationRequired,
    )
    from tercel.web.errors import (
        HTTPRedirection as HTTPRedirection,
    )
    from tercel.web.errors import (
        HTTPRequestEntityTooLarge as HTTPRequestEntityTooLarge,
    )
    from tercel.web.errors import (
        HTTPRequestHeaderFieldsTooLarge as HTTPRequestHeaderFieldsTooLarge,
    )
    from tercel.web.errors import (
        HTTPRequestRangeNotSatisfiable as HTTPRequestRangeNotSatisfiable,
    )
    from tercel.web.errors import (
        HTTPRequestTimeout as HTTPRequestTimeout,
    )
    from tercel.web.errors import (
        HTTPRequestURITooLong as HTTPRequestURITooLong,
    )
    from tercel.web.errors import (
        HTTPResetContent as HTTPResetContent,
    )
    from tercel.web.errors import (
        HTTPSeeOther as HTTPSeeOther,
    )
    from tercel.web.errors import (
        HTTPServerError as HTTPServerError,
    )
    from tercel.web.errors import (
        HTTPServiceUnavailable as HTTPServiceUnavailable,
    )
    from tercel.web.errors import (
        HTTPSuccessful as HTTPSuccessful,
    )
    from tercel.web.errors import (
        HTTPTemporaryRedirect as HTTPTemporaryRedirect,
    )
    from tercel.web.errors import (
        HTTPTooManyRequests as HTTPTooManyRequests,
    )
    from tercel.web.errors import (
        HTTPUnauthorized as HTTPUnauthorized,
    )
    from tercel.web.errors import (
        HTTPUnavailableForLegalReasons as HTTPUnavailableForLegalReasons,
    )
    from tercel.web.errors import (
        HTTPUnprocessableEntity as HTTPUnprocessableEntity,
    )
    from tercel.web.errors import (
        HTTPUnsupportedMediaType as HTTPUnsupportedMediaType,
    )
    from tercel.web.errors import (
        HTTPUpgradeRequired as HTTPUpgradeRequired,
    )
    from tercel.web.errors import (
        HTTPUseProxy as HTTPUseProxy,
    )
    from tercel.web.errors import (
        HTTPVariantAlsoNegotiates as HTTPVariantAlsoNegotiates,
    )
    from tercel.web.errors import (
        HTTPVersionNotSupported as HTTPVersionNotSupported,
    )
    from tercel.web.eventsource import (
        EventSourceResponse as EventSourceResponse,
    )
    from tercel.web.file import (
        FileResponse as FileResponse,
    )
    from tercel.web.keys import (
        AppKey as AppKey,
    )
    from tercel.web.keys import (
        NotAppKeyWarning as NotAppKeyWarning,
    )
    from tercel.web.keys import (
        RequestKey as RequestKey,
    )
    from tercel.web.keys import (
        ResponseKey as ResponseKey,
    )
    from tercel.web.matchinfo import (
        UrlMappingMatchInfo as UrlMappingMatchInfo,
    )
    from tercel.web.middlewares import (
        middleware as middleware,
    )
    from tercel.web.middlewares import (
        normalize_path_middleware as normalize_path_middleware,
    )
    from tercel.web.mounts import (
        PrefixedSubAppResource as PrefixedSubAppResource,
    )
    from tercel.web.request import (
        BaseRequest as BaseRequest,
    )
    from tercel.web.request import (
        Request as Request,
    )
    from tercel.web.resources import (
        AbstractResource as AbstractResource,
    )
    from tercel.web.resources import (
        DynamicResource as DynamicResource,
    )
    from tercel.web.resources import (
        PlainResource as PlainResource,
    )
    from tercel.web.resources import (
        Resource as Resource,
    )
    from tercel.web.response import (
        Response as Response,
    )
    from tercel.web.response import (
        json_bytes_response as json_bytes_response,
    )
    from tercel.web.response import (
        json_response as json_response,
    )
    from tercel.web.routedef import (
        AbstractRouteDef as AbstractRouteDef,
    )
    from tercel.web.routedef import (
        RouteDef as RouteDef,
    )
    from tercel.web.routedef import (
        RouteTableDef as RouteTableDef,
    )
    from tercel.web.routedef import (
        StaticDef as StaticDef,
    )
    from tercel.web.routedef import (
        delete as delete,
    )
    from tercel.web.routedef import (
        get as get,
    )
    from tercel.web.routedef import (
        head as head,
    )
    from tercel.web.routedef import (
        options as options,
    )
    from tercel.web.routedef import (
        patch as patch,
    )
    from tercel.web.routedef import (
        post as post,
    )
    from tercel.web.routedef import (
        put as put,
    )
    from tercel.web.routedef import (
        route as route,
    )
    from tercel.web.routedef import (
        static as static,
    )
    from tercel.web.routedef import (
        view as view,
    )
    from tercel.web.routes import (
        AbstractRoute as AbstractRoute,
    )
    from tercel.web.routes import (
        ResourceRoute as ResourceRoute,
    )
    from tercel.web.run import (
        run_app as run_app,
    )
    from tercel.web.runner import (
        AppRunner as AppRunner,
    )
    from tercel.web.runner import (
        BaseRunner as BaseRunner,
    )
    from tercel.web.runner import (
        ServerRunner as ServerRunner,
    )
    from tercel.web.server import (
        RequestHandler as RequestHandler,
    )
    from tercel.web.server import (
        Server as Server,
    )
    from tercel.web.shutdown import (
        GracefulExit as GracefulExit,
    )
    from tercel.web.sites import (
        BaseSite as BaseSite,
    )
    from tercel.web.sites import (
        NamedPipeSite as NamedPipeSite,
    )
    from tercel.web.sites import (
        SockSite as SockSite,
    )
    from tercel.web.sites import (
        TCPSite as TCPSite,
    )
    from tercel.web.sites import (
        UnixSite as UnixSite,
    )
    from tercel.web.sockets import (
        WebSocketSet as WebSocketSet,
    )
    from tercel.web.staticfiles import (
        StaticResource as StaticResource,
    )
    from tercel.web.stream import (
        StreamResponse as StreamResponse,
    )
    from tercel.web.uploads import (
        FileField as FileField,
    )
    from tercel.web.views import (
        View as View,
    )
    from tercel.web.websocket import (
        MsgType as MsgType,
    )
    from tercel.web.websocket import (
        WebSocketListener as WebSocketListener,
    )
    from tercel.web.websocket import (
        WebSocketReady as WebSocketReady,
    )
    from tercel.web.websocket import (
        WebSocketResponse as WebSocketResponse,
    )
    from tercel.web.websocket import (
        WebSocketTransport as WebSocketTransport,
    )
    from tercel.web.websocket import (
        WSMsgType as WSMsgType,
    )

_NAMES = {
    "app": ("Application",),
    "badpayload": (
        "PayloadAccessError",
        "RequestPayloadError",
    ),
    "cleanup": ("CleanupError",),
    "codings": ("ContentCoding",),
    "compression": ("compression_middleware",),
    "dispatcher": ("UrlDispatcher",),
    "errors": (
        "HTTPAccepted",
        "HTTPBadGateway",
        "HTTPBadRequest",
        "HTTPClientError",
        "HTTPConflict",
        "HTTPCreated",
        "HTTPError",
        "HTTPException",
        "HTTPExpectationFailed",
        "HTTPFailedDependency",
        "HTTPForbidden",
        "HTTPFound",
        "HTTPGatewayTimeout",
        "HTTPGone",
        "HTTPInsufficientStorage",
        "HTTPInternalServerError",
        "HTTPLengthRequired",
        "HTTPMethodNotAllowed",
        "HTTPMisdirectedRequest",
        "HTTPMove",
        "HTTPMovedPermanently",
        "HTTPMultipleChoices",
        "HTTPNetworkAuthenticationRequired",
        "HTTPNoContent",
        "HTTPNonAuthoritativeInformation",
        "HTTPNotAcceptable",
        "HTTPNotExtended",
        "HTTPNotFound",
        "HTTPNotImplemented",
        "HTTPNotModified",
        "HTTPOk",
        "HTTPPartialContent",
        "HTTPPaymentRequired",
        "HTTPPermanentRedirect",
        "HTTPPreconditionFailed",
        "HTTPPreconditionRequired",
        "HTTPProxyAuthenticationRequired",
        "HTTPRedirection",
        "HTTPRequestEntityTooLarge",
        "HTTPRequestHeaderFieldsTooLarge",
        "HTTPRequestRangeNotSatisfiable",
        "HTTPRequestTimeout",
        "HTTPRequestURITooLong",
        "HTTPResetContent",
        "HTTPSeeOther",
        "HTTPServerError",
        "HTTPServiceUnavailable",
        "HTTPSuccessful",
        "HTTPTemporaryRedirect",
        "HTTPTooManyRequests",
        "HTTPUnauthorized",
        "HTTPUnavailableForLegalReasons",
        "HTTPUnprocessableEntity",
        "HTTPUnsupportedMediaType",
        "HTTPUpgradeRequired",
        "HTTPUseProxy",
        "HTTPVariantAlsoNegotiates",
        "HTTPVersionNotSupported",
    ),
    "eventsource": ("EventSourceResponse",),
    "file": ("FileResponse",),
    "keys": (
        "AppKey",
        "NotAppKeyWarning",
        "RequestKey",
        "ResponseKey",
    ),
    "matchinfo": ("UrlMappingMatchInfo",),
    "middlewares": (
        "middleware",
        "normalize_path_middleware",
    ),
    "mounts": ("PrefixedSubAppResource",),
    "request": (
        "BaseRequest",
        "Request",
    ),
    "resources": (
        "AbstractResource",
        "DynamicResource",
        "PlainResource",
        "Resource",
    ),
    "response": (
        "Response",
        "json_bytes_response",
        "json_response",
    ),
    "routedef": (
        "AbstractRouteDef",
        "RouteDef",
        "RouteTableDef",
        "StaticDef",
        "delete",
        "get",
        "head",
        "options",
        "patch",
        "post",
        "put",
        "route",
        "static",
        "view",
    ),
    "routes": (
        "AbstractRoute",
        "ResourceRoute",
    ),
    "run": ("run_app",),
    "runner": (
        "AppRunner",
        "BaseRunner",
        "ServerRunner",
    ),
    "server": (
        "RequestHandler",
        "Server",
    ),
    "shutdown": ("GracefulExit",),
    "sites": (
        "BaseSite",
        "NamedPipeSite",
        "SockSite",
        "TCPSite",
        "UnixSite",
    ),
    "sockets": ("WebSocketSet",),
    "staticfiles": ("StaticResource",),
    "stream": ("StreamResponse",),
    "uploads": ("FileField",),
    "views": ("View",),
    "websocket": (
        "MsgType",
        "WSMsgType",
        "WebSocketListener",
        "WebSocketReady",
        "WebSocketResponse",
        "WebSocketTransport",
    ),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = tuple(sorted(_MODULES))


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
