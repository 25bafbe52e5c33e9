"""Filled in below."""
from __future__ import annotations
import typer


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
