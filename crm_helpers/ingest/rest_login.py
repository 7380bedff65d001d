"""How a REST source lets us in: tokens, keys, passwords and OAuth2, each by environment variables.

Importing this module imports dlt: do it under `quiet_dlt`.
"""

from __future__ import annotations

import os
from typing import Any

from dlt.common.pendulum import pendulum
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from requests import Session

from crm_helpers.errors import InputError
from crm_helpers.ingest.rest_answer import document_of
from crm_helpers.sources import ApiKey, Basic, Bearer, OAuth2, RestSource

__all__ = ["OAuth2ClientCredentials", "login"]

_REFUSED = frozenset({400, 401, 403})  # what the address of tokens says of a wrong id or secret


def login(name: str, source: RestSource, session: Session) -> Any:
    """Make the login of a source for requests, or raise `InputError` when a variable is not set.

    Parameters
    ----------
    name
        Name of the source, for messages.
    source
        Says how to log in.
    session
        Fetches tokens.

    Returns
    -------
    requests.auth.AuthBase or None
        None when the source needs no login.
    """
    auth = source.auth
    if isinstance(auth, Bearer):
        return BearerTokenAuth(token=_secret(name, "token_env", auth.token_env))
    if isinstance(auth, ApiKey):
        key = _secret(name, "key_env", auth.key_env)
        return APIKeyAuth(name=auth.name, api_key=key, location=auth.location)
    if isinstance(auth, Basic):
        user = _secret(name, "user_env", auth.user_env)
        return HttpBasicAuth(username=user, password=_secret(name, "password_env", auth.password_env))
    return None if auth is None else _ClientCredentials(name, auth, session)


class _ClientCredentials(OAuth2ClientCredentials):  # type: ignore[misc]  # dlt comes without types
    """dlt's token, which says by which variables it was refused."""

    def __init__(self, name: str, auth: OAuth2, session: Session) -> None:
        self.key, self.given = f"sources.{name}.auth", auth
        super().__init__(
            access_token_url=auth.token_url,
            client_id=_secret(name, "client_id_env", auth.client_id_env),
            client_secret=_secret(name, "client_secret_env", auth.client_secret_env),
            access_token_request_data={"scope": auth.scope} if auth.scope else {},
            session=session,
        )

    def build_access_token_request(self) -> dict[str, Any]:
        request: dict[str, Any] = super().build_access_token_request() | {"allow_redirects": False}
        if self.given.send == "basic":
            data = request["data"]
            request["auth"] = (data.pop("client_id"), data.pop("client_secret"))
        return request

    def obtain_token(self) -> None:
        response = self.session.post(self.access_token_url, **self.build_access_token_request())
        if response.status_code in _REFUSED:
            names = f"{self.given.client_id_env} and {self.given.client_secret_env}"
            raise InputError(
                f"{self.key}: token_url refuses the login ({response.status_code}); look at the environment"
                f" variables {names}"
            )
        if not response.ok or response.is_redirect:
            raise InputError(f"{self.key}.token_url: answers {response.status_code}; look at the address")
        answer = document_of(self.key, response)
        if not isinstance(answer, dict) or not answer.get("access_token"):
            raise InputError(f"{self.key}.token_url: the answer holds no access_token")
        self.access_token = str(answer["access_token"])
        self.token_expiry = pendulum.now().add(seconds=self.parse_expiration_in_seconds(answer))


def _secret(name: str, key: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    place = f"sources.{name}.auth.{key}"
    if not value:
        raise InputError(f"{place}: set the environment variable {variable}")
    if not value.isprintable() or (not value.isascii() and not key.endswith(("user_env", "password_env"))):
        raise InputError(f"{place}: {variable} holds a character that no header can carry")
    return value
