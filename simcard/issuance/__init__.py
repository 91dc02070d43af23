"""Issuing cards: the key hierarchy, its custody, and personalisation of one card or of many."""
