"""The application with all its commands."""

from __future__ import annotations

from .commands import gather

__all__ = ["app"]

app = gather()
