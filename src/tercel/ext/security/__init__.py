"""Logins, permissions, passwords, forms, headers and rates, for web applications.

What aiohttp_security documents, with the same names; beside it a table of permissions, decorators
for handlers, Argon2 passwords, protection of forms (csrf), headers for browsers, and rate limits,
whose store in Redis stands in `redis_rates`. See docs/security.md.
"""

from tercel.ext.security.abc import AbstractAuthorizationPolicy, AbstractIdentityPolicy
from tercel.ext.security.access import (
    authorized_userid,
    check_authorized,
    check_permission,
    current_user,
    forget,
    is_anonymous,
    permits,
    remember,
    setup,
)
from tercel.ext.security.csrf import (
    CSRF_FIELD,
    CSRF_HEADER,
    check_csrf,
    csrf_exempt,
    csrf_middleware,
    csrf_processor,
    csrf_token,
)
from tercel.ext.security.headers import (
    DEFAULT_POLICY,
    NONCE,
    csp_nonce,
    nonce_processor,
    setup_headers,
)
from tercel.ext.security.login import login_required, permission_required, safe_path
from tercel.ext.security.passwords import hash_password, needs_rehash, verify_password
from tercel.ext.security.permissions import Permissions
from tercel.ext.security.policies import (
    CookiesIdentityPolicy,
    JWTIdentityPolicy,
    SessionIdentityPolicy,
)
from tercel.ext.security.rates import (
    MemoryRates,
    Rate,
    RateStore,
    client_address,
    rate_limit,
    rate_limit_middleware,
    setup_rates,
)

__all__ = (
    "CSRF_FIELD",
    "CSRF_HEADER",
    "DEFAULT_POLICY",
    "NONCE",
    "AbstractAuthorizationPolicy",
    "AbstractIdentityPolicy",
    "CookiesIdentityPolicy",
    "JWTIdentityPolicy",
    "MemoryRates",
    "Permissions",
    "Rate",
    "RateStore",
    "SessionIdentityPolicy",
    "authorized_userid",
    "check_authorized",
    "check_csrf",
    "check_permission",
    "client_address",
    "csp_nonce",
    "csrf_exempt",
    "csrf_middleware",
    "csrf_processor",
    "csrf_token",
    "current_user",
    "forget",
    "hash_password",
    "is_anonymous",
    "login_required",
    "needs_rehash",
    "nonce_processor",
    "permission_required",
    "permits",
    "rate_limit",
    "rate_limit_middleware",
    "remember",
    "safe_path",
    "setup",
    "setup_headers",
    "setup_rates",
    "verify_password",
)
