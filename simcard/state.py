"""Everything a powered card holds: its memory with the tree mounted from it, and its channels."""

from __future__ import annotations

from dataclasses import dataclass, field

from simcard.apdu import ClassByte, Command, Protection
from simcard.commands.declaration import CommandTable
from simcard.entropy import Entropy
from simcard.files.descriptors import File, LifeCycle
from simcard.files.store import CellStore
from simcard.files.tree import Tree
from simcard.memory.flash import Flash
from simcard.memory.journal import Memory
from simcard.messaging.line import LineProtection
from simcard.security.keys import Key, KeyUsage
from simcard.security.pboc import PbocRules, line_key
from simcard.session import Session


@dataclass(frozen=True, slots=True)
class Settings:
    """What a profile decides about the whole card; numbers are bytes unless they say otherwise."""

    name: str
    atr: bytes
    commands: CommandTable
    channels: int = 4
    command_data_max: int = 2048
    response_data_max: int = 65536
    challenge_size: int = 8
    records_at_creation: bool = False
    references_by_bit_8: bool = True
    pboc: PbocRules | None = None


@dataclass(slots=True)
class CardState:
    """Memory, tree and sessions between power-on and power-off."""

    settings: Settings
    memory: Memory
    store: CellStore
    tree: Tree
    entropy: Entropy
    sessions: dict[int, Session] = field(default_factory=dict)
    terminated: bool = False

    @classmethod
    def mount(cls, settings: Settings, flash: Flash, entropy: Entropy) -> CardState:
        """Recover the memory, mount the tree, open the basic channel at the MF."""
        memory = Memory.mount(flash)
        store = CellStore.mount(memory)
        state = cls(settings, memory, store, Tree.mount(store), entropy)
        state.terminated = store.card_life_cycle == LifeCycle.TERMINATED.value
        state.restart()
        return state

    def restart(self) -> None:
        """Forget everything volatile: what a reset does."""
        self.memory.rollback()
        self.sessions = {0: Session(df=self.tree.root)}

    def end_transactions(self) -> None:
        """Drop what waits for the second command of a pair: a refusal has come between."""
        for channel, session in self.sessions.items():
            if session.transaction is not None:
                self.sessions[channel] = session._replace(transaction=None)

    def line_protection(self, class_byte: ClassByte, command: Command) -> LineProtection | None:
        """The protection of a single command that the current DF offers, if it has a key for it.

        It takes the session's challenge, which is used up by that.
        """
        if class_byte.protection is not Protection.PROPRIETARY:
            return None
        session = self.sessions[class_byte.channel]
        key = self._line_key(self.tree.files[session.df], command)
        if key is None:
            return None
        self.sessions[class_byte.channel] = session._replace(challenge=b"")
        counted = self.settings.pboc is not None and self.settings.pboc.line_failures_count
        guard = key if counted and key.tries_left is not None else None
        return LineProtection(key.algorithm.cipher, key.value, session.challenge, guard)

    def _line_key(self, df: File, command: Command) -> Key | None:
        if self.settings.pboc is not None:
            file = line_key(self.tree, df, command.ins, command.p2)
            return None if file is None else Key(file, self.memory)
        keys = (Key(file, self.memory) for file in self.tree.keys(df))
        return next((key for key in keys if key.usage & KeyUsage.LINE), None)

    def fork(self) -> CardState:
        """An independent copy; pages, tree and sessions are shared until one side changes them."""
        memory = self.memory.fork()
        return CardState(
            self.settings,
            memory,
            self.store.on(memory),
            self.tree,
            self.entropy.fork(),
            self.sessions.copy(),
            self.terminated,
        )
