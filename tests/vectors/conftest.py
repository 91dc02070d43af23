"""The vectors' own part of the report: see vector_summary.py."""

from vector_summary import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
