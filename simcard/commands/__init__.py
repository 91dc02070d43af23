"""The commands of the card, one module for each chapter of the standard."""
