"""Serving cards from a program's main thread until somebody ends it: what `simcard serve` does."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager

from simcard.links.slot import ServedCard
from simcard.links.vpcd import DEFAULT_ADDRESS, Address, OnEvent, VpcdLink

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    cards: Sequence[ServedCard],
    address: Address = DEFAULT_ADDRESS,
    *,
    listen: bool = False,
    on_event: OnEvent | None = None,
) -> None:
    """Serves *cards* in the slots of one reader until SIGINT or SIGTERM, from the main thread.

    The first card is at *address*, the next one port up, as the driver numbers its slots. Returns
    with every card without power. OSError when an address cannot be listened at; what one link or
    card raises ends the others too. *on_event* is called from the threads of the links.
    """
    host, port = address
    links = [
        VpcdLink(card, (host, port + slot), listen=listen, on_event=on_event)
        for slot, card in enumerate(cards)
    ]
    with _ended_by_signal(links), ThreadPoolExecutor(max(1, len(links))) as pool:
        runs = [pool.submit(link.run) for link in links]
        wait(runs, return_when=FIRST_EXCEPTION)
        for link in links:
            link.stop()
    for run in runs:
        run.result()


@contextmanager
def _ended_by_signal(links: Sequence[VpcdLink]) -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        for link in links:
            link.stop()

    before = {number: signal.signal(number, stop) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
