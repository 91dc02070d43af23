"""Secure messaging: one protocol, several schemes (ISO data objects, PBOC lines, SCP03)."""
