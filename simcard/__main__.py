"""`python -m simcard` is the command `simcard`."""

from simcard.cli import main

main()
