"""Transactions of purses: initialise, then complete, as one unbroken pair of commands."""
