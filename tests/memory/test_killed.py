"""Killing the process that owns an image is the same event as pulling the card."""

import mmap
import random
import subprocess
import sys
from pathlib import Path

from simcard.memory import Flash, Geometry, Memory

GEOMETRY = Geometry(size=64 * 1024)
CELLS = (0, 5_000, 40_000)

WRITER = """
import mmap, sys
from simcard.memory import Flash, Memory

with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
    memory = Memory.mount(Flash.open(mapped))
    number = int.from_bytes(memory.read(0, 4), "big")
    while True:
        number += 1
        for cell in (0, 5_000, 40_000):
            memory.write(cell, number.to_bytes(4, "big"))
        memory.commit()
        print(number, flush=True)
"""


def test_a_killed_process_leaves_whole_transactions_and_all_it_acknowledged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "card.img"
    store = bytearray(GEOMETRY.image_size)
    Flash.blank(GEOMETRY, store)
    path.write_bytes(store)
    chance = random.Random(7)
    acknowledged = 0
    for _ in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 400)):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            for line in writer.stdout.read().split():
                acknowledged = int(line)
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
            memory = Memory.mount(Flash.open(mapped))
            numbers = {int.from_bytes(memory.read(cell, 4), "big") for cell in CELLS}
        assert len(numbers) == 1
        assert numbers <= {acknowledged, acknowledged + 1}
