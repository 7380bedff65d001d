"""Names in `raw/` are those of the source, to the letter: dlt's own conventions change quotes and line ends.

dlt imports this module by its name; nothing else does, for importing it imports dlt.
"""

from __future__ import annotations

from typing import ClassVar

from dlt.common.normalizers.naming import NamingConvention as BaseNamingConvention

__all__ = ["NamingConvention"]


class NamingConvention(BaseNamingConvention):  # type: ignore[misc]  # dlt comes without types
    """Leave every name as it came; two names that differ by case only stay two."""

    PATH_SEPARATOR: ClassVar[str] = "▶"

    def normalize_identifier(self, identifier: str) -> str:
        """Return the name unchanged."""
        return identifier

    @property
    def is_case_sensitive(self) -> bool:
        """Names are told apart by case."""
        return True
