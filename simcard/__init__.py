"""A smart card in Python: its memory, file system, security and secure messaging."""
