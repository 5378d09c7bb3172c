"""Logins, permissions, passwords, and forged requests, for web applications.

What aiohttp_security documents, with the same names; beside it a table of permissions, decorators
for handlers, Argon2 passwords, and protection of forms (csrf). See docs/security.md.
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
from tercel.ext.security.login import login_required, permission_required, safe_path
from tercel.ext.security.passwords import hash_password, needs_rehash, verify_password
from tercel.ext.security.permissions import Permissions
from tercel.ext.security.policies import (
    CookiesIdentityPolicy,
    JWTIdentityPolicy,
    SessionIdentityPolicy,
)

__all__ = (
    "CSRF_FIELD",
    "CSRF_HEADER",
    "AbstractAuthorizationPolicy",
    "AbstractIdentityPolicy",
    "CookiesIdentityPolicy",
    "JWTIdentityPolicy",
    "Permissions",
    "SessionIdentityPolicy",
    "authorized_userid",
    "check_authorized",
    "check_csrf",
    "check_permission",
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
    "permission_required",
    "permits",
    "remember",
    "safe_path",
    "setup",
    "verify_password",
)
