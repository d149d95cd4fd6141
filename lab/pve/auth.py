"""Proof of who calls: passwords, tickets with CSRF tokens, API tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lab.pve.access import is_expired
from lab.pve.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.pve.world import World

TICKET_LIFETIME = 7200  # seconds, true time
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
REFUSED = "Authentication failed!"


class Unauthorized(ApiError):
    """401; the transport delays it. `bare` ones are found in the headers and have no JSON body."""

    def __init__(self, text: str, *, bare: bool = True) -> None:
        super().__init__(401, text)
        self.bare = bare


def hash_secret(secret: str, salt: str | None = None) -> str:
    """`salt$hash` of a password or token secret. Fast on purpose: it guards only the emulator."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}${hashlib.pbkdf2_hmac('sha256', secret.encode(), salt.encode(), 1000).hex()}"


def secret_fits(secret: str, stored: str | None) -> bool:
    return bool(stored) and hmac.compare_digest(hash_secret(secret, str(stored).partition("$")[0]), str(stored))


def new_token_secret() -> str:
    return str(uuid.uuid4())


class Authenticator:
    """Checks the headers of a request. Signing keys live in the state's `meta` table."""

    def __init__(self, world: World) -> None:
        self._world = world

    # -- tickets ------------------------------------------------------------------------------------------------

    def make_ticket(self, user: str) -> tuple[str, str]:
        """(ticket, CSRF token) for a user who has proven who it is."""
        stamp = f"{self._world.clock.now():08X}"
        plain = f"PVE:{user}:{stamp}"
        return f"{plain}::{self._sign(plain)}", f"{stamp}:{self._sign(f'CSRF:{stamp}:{user}')}"

    def ticket_user(self, ticket: str) -> str | None:
        """The user of a valid ticket, else None."""
        plain, mark, signature = ticket.partition("::")
        parts = plain.split(":")
        if not mark or len(parts) != 3 or not hmac.compare_digest(signature, self._sign(plain)):
            return None
        age = self._world.clock.now() - int(parts[2], 16)
        return parts[1] if -300 < age < TICKET_LIFETIME and self._world.access.user_active(parts[1]) else None

    def password_fits(self, user: str, password: str) -> bool:
        entry = self._world.state.users.get(user)
        active = entry is not None and self._world.access.user_active(user)
        return active and secret_fits(password, entry.get("password"))

    def _sign(self, text: str) -> str:
        key = self._world.state.meta["cluster"]["signing_key"].encode()
        return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode().rstrip("=")

    # -- requests -----------------------------------------------------------------------------------------------

    def identity(self, method: str, headers: Mapping[str, str]) -> str:
        """`user@realm` or `user@realm!token`, or Unauthorized.

        What is wrong with a ticket or token is not told: one text for all.
        """
        authorization = headers.get("authorization", "")
        if authorization.startswith("PVEAPIToken"):
            return self._token_identity(authorization.removeprefix("PVEAPIToken").lstrip("= "))
        ticket = self._cookie_ticket(headers.get("cookie", "")) or authorization.removeprefix("PVEAuthCookie=")
        if not ticket:
            raise Unauthorized("No ticket")
        user = self.ticket_user(ticket)
        if user is None:
            raise Unauthorized(REFUSED)
        if method not in SAFE_METHODS:
            self._check_csrf(user, headers.get("csrfpreventiontoken", ""))
        return user

    @staticmethod
    def _cookie_ticket(header: str) -> str:
        for part in header.split(";"):
            name, equals, value = part.strip().partition("=")
            if equals and name == "PVEAuthCookie":
                return unquote(value.strip('"'))
        return ""

    def _check_csrf(self, user: str, given: str) -> None:
        stamp, _colon, signature = given.partition(":")
        if not given or not hmac.compare_digest(signature, self._sign(f"CSRF:{stamp}:{user}")):
            raise Unauthorized("Permission denied - invalid csrf token")

    def _token_identity(self, text: str) -> str:
        name, equals, secret = text.partition("=")
        if not equals:
            name, _colon, secret = text.partition(":")
        entry = self._world.state.tokens.get(name)
        if (entry is None or not self._world.access.user_active(name.partition("!")[0])
                or is_expired(entry, self._world.clock.now()) or not secret_fits(secret, entry["secret"])):
            raise Unauthorized(REFUSED)
        return name
