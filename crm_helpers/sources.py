"""What a profile may say of a database table or a REST address: one strict model a kind, no secret in any.

Secrets are named, never written: every `*_env` is the name of an environment variable.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from crm_helpers.strict import Strict

__all__ = [
    "ApiKey",
    "Auth",
    "Basic",
    "Bearer",
    "CursorPaging",
    "DatabaseSource",
    "Incremental",
    "LinkPaging",
    "NextUrlPaging",
    "OAuth2",
    "OffsetPaging",
    "PagePaging",
    "Paging",
    "RestSource",
]

_CREDENTIALS = re.compile(r"://[^/\s@]*:\S*@|[?&](?:password|passwd|pwd|sslpassword|token)=", re.IGNORECASE)
_SECRET_NAME = re.compile(r"token|secret|passw|api.?key|access.?key|signature|^key$|^auth", re.IGNORECASE)

Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
"""Name of an environment variable."""

JsonPath = Annotated[str, Field(min_length=1)]
"""Where something stands in an answer, as `data.items`; `$` is the answer itself."""


class Incremental(Strict):
    """A source that delivers what changed: the newest version of each key is the state.

    Without a cursor each load of a file is a delivery of changed rows; a cursor asks a database or an API
    for the rows from its last value on, and decides which of two versions is the newer one.
    """

    key: Annotated[tuple[str, ...], Field(min_length=1)]
    cursor: str | None = None  # a number or an ISO time that grows with every change
    deleted: str | None = None  # a column that is true, or holds a time, once the row was deleted
    param: str | None = None  # REST: the parameter that takes the cursor's last value
    reload: str | None = None  # any word; when it changes, the next load reads everything anew
    reload_every: Annotated[int, Field(ge=1)] | None = None  # loads of changes before everything is read anew

    @property
    def columns(self) -> tuple[str, ...]:
        """Source columns it names."""
        return (*self.key, *(name for name in (self.cursor, self.deleted) if name))


class DatabaseSource(Strict):
    """One table or view of a database that SQLAlchemy speaks to."""

    kind: Literal["sql"] = "sql"
    table: Annotated[str, Field(min_length=1)]
    url: str | None = None
    url_env: Variable | None = None
    incremental: Incremental | None = None

    @field_validator("url")
    @classmethod
    def _no_secret(cls, url: str | None) -> str | None:
        if url and _CREDENTIALS.search(url):
            raise ValueError("holds a password: name an environment variable in url_env instead")
        return url

    @model_validator(mode="after")
    def _complete(self) -> DatabaseSource:
        if (self.url is None) == (self.url_env is None):
            raise ValueError('kind "sql" needs table, and url or url_env')
        if self.incremental and (self.incremental.cursor is None or self.incremental.param is not None):
            raise ValueError("incremental of a table needs cursor and key, and has no param")
        return self


class Bearer(Strict):
    """A token in the header `Authorization: Bearer …`."""

    type: Literal["bearer"]
    token_env: Variable


class ApiKey(Strict):
    """A key in a header or a parameter of the address."""

    type: Literal["api_key"]
    key_env: Variable
    name: str = "X-API-Key"
    location: Literal["header", "query"] = "header"


class Basic(Strict):
    """A user and a password."""

    type: Literal["basic"]
    user_env: Variable
    password_env: Variable


class OAuth2(Strict):
    """OAuth2 client credentials: a token that is fetched, and fetched again when it expires."""

    type: Literal["oauth2"]
    token_url: str
    client_id_env: Variable
    client_secret_env: Variable
    scope: str | None = None
    send: Literal["body", "basic"] = "body"  # how the token's address wants id and secret

    @field_validator("token_url")
    @classmethod
    def _address(cls, url: str) -> str:
        return _web_address(url)


Auth = Annotated[Bearer | ApiKey | Basic | OAuth2, Field(discriminator="type")]


class _Sized(Strict):
    size_param: str | None = None
    size: Annotated[int, Field(ge=1)] | None = None  # records a page
    more: JsonPath | None = None  # where the answer says true while pages follow

    @model_validator(mode="after")
    def _both(self) -> _Sized:
        if (self.size_param is None) != (self.size is None):
            raise ValueError("size_param and size belong together")
        return self


class PagePaging(_Sized):
    """Pages by number."""

    type: Literal["page"]
    param: str = "page"
    first: int = 1
    total: JsonPath | None = None  # where the answer says how many pages there are


class OffsetPaging(_Sized):
    """Pages by the number of records before them."""

    type: Literal["offset"]
    param: str = "offset"
    size_param: str = "limit"
    size: Annotated[int, Field(ge=1)] = 100
    total: JsonPath | None = None  # where the answer says how many records there are


class CursorPaging(_Sized):
    """Each answer holds the word that asks for the next page."""

    type: Literal["cursor"]
    path: JsonPath = "next_cursor"
    param: str = "cursor"


class LinkPaging(_Sized):
    """The header `Link: <…>; rel="next"` holds the next page's address."""

    type: Literal["link"]
    rel: str = "next"


class NextUrlPaging(_Sized):
    """Each answer holds the next page's address."""

    type: Literal["next_url"]
    path: JsonPath = "next"


Paging = Annotated[
    PagePaging | OffsetPaging | CursorPaging | LinkPaging | NextUrlPaging, Field(discriminator="type")
]


class RestSource(Strict):
    """The records of one REST address, all its pages."""

    kind: Literal["rest"]
    url: str
    records: JsonPath = "$"
    params: dict[str, str | int | float | bool] = Field(default_factory=dict)
    auth: Auth | None = None
    paging: Paging | None = None
    incremental: Incremental | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return _web_address(url)

    @field_validator("params")
    @classmethod
    def _no_secret(cls, params: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        for name in params:
            if _SECRET_NAME.search(name):
                raise ValueError(f'"{name}" looks like a secret: name its environment variable in auth')
        return params

    @model_validator(mode="after")
    def _complete(self) -> RestSource:
        if self.incremental and None in (self.incremental.cursor, self.incremental.param):
            raise ValueError("incremental of a REST source needs cursor, key and param")
        return self


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address as https://host/path")
    if parts.username or parts.password:
        raise ValueError("holds a password: name environment variables in auth instead")
    if parts.query or parts.fragment:
        raise ValueError("ends at its path: write what follows ? into params")
    return url
