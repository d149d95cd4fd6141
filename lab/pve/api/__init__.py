"""Handlers of the API, one module per area. Importing this package's modules registers their operations."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every module beside this one, so that all operations are known."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
