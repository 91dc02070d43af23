"""The one door between a command and what it acts on.

A handler gets a `Call`. It finds files by their addresses and asks for their content by its kind;
the door checks structure, life cycle and the right that the command declared, in this order, and
nothing else leads to memory. Reference data opens by `reference`, structure changes by `create`,
`delete` and `transition`, each under its own right.
"""

from __future__ import annotations

from typing import Final

from simcard.apdu import Command
from simcard.commands.declaration import Declaration, Reply
from simcard.files.data_objects import DataObjectContent
from simcard.files.descriptors import File, FileKind, LifeCycle, Structure
from simcard.files.purse import COUNTER_SIZE, PurseContent, log_of
from simcard.files.records import PartlyClosedRecords, RecordContent
from simcard.files.transparent import TransparentContent, read_bytes
from simcard.files.tree import Tree, set_life_cycle, write_file
from simcard.messaging.channel import Unwrapped
from simcard.security import rules
from simcard.security.access import Method, Right
from simcard.security.environment import StoredEnvironment
from simcard.security.keys import Key, KeyUsage
from simcard.security.reference import ReferenceData
from simcard.security.rules import unconditional
from simcard.session import Session
from simcard.state import CardState, Settings
from simcard.status import SW, CardError
from simcard.tlv import Tlv

_TRANSPARENT: Final = Structure.TRANSPARENT  # an Enum looks its members up slowly


class Call:
    """One command under way: what it is, and what it would change.

    `tree`, `session` and `channels` start as the card's own; `settle` makes what the handler left
    in them the card's, when the command was not refused. `waiting` is response data of the command
    before, which only GET RESPONSE looks at. `continued` says that the command is not the first of
    its chain. `protected` is how it was protected, as the door has found it to be. `transaction`
    is what the command before has left for this one: the session has lost it.
    """

    waiting: Reply | None = None
    continued = False
    terminated = False
    transaction: object = None
    protected: Unwrapped | None = None
    _asking: File | None = None

    def __init__(
        self, state: CardState, channel: int, command: Command, declaration: Declaration
    ) -> None:
        self._state = state
        self.channel = channel
        self.command = command
        self.declaration = declaration
        self.tree: Tree = state.tree
        session = state.sessions[channel]
        if session.transaction is not None:
            self.transaction = session.transaction
            session = session._replace(transaction=None)
        self.session: Session = session
        self.channels = state.sessions

    @property
    def settings(self) -> Settings:
        """What the profile decides."""
        return self._state.settings

    @property
    def df(self) -> File:
        """The current DF."""
        return self.tree.files[self.session.df]

    @property
    def ef(self) -> File:
        """The current EF; 6986 when there is none."""
        cell = self.session.ef
        if cell is None:
            raise CardError(SW.NO_CURRENT_EF)
        return self.tree.files[cell]

    def draw(self, length: int) -> bytes:
        """Random bytes from the source that was handed to the card."""
        return self._state.entropy.draw(length)

    def carry_out(self, command: Command, declaration: Declaration) -> Reply:
        """Run a command that came inside this one; a refusal of it is its answer."""
        inner = Call(self._state, self.channel, command, declaration)
        inner.protected = self.protected
        try:
            reply = declaration.run(inner)
        except CardError as refusal:
            self._state.memory.rollback()
            return Reply(sw=refusal.sw)
        self.tree, self.session, self.channels = inner.tree, inner.session, inner.channels
        self.terminated = inner.terminated
        return reply

    # The door to content

    def transparent(self, file: File) -> TransparentContent:
        """The bytes of a transparent EF; 6981 for another structure, 6982 without the right."""
        if file.structure is not _TRANSPARENT:
            raise CardError(SW.INCOMPATIBLE_FILE_STRUCTURE)
        self._admit(file)
        return TransparentContent(file, self._state.memory)

    def read_bytes(self, file: File, offset: int, length: int) -> bytes:
        """What `transparent(file).read` gives, for the commonest command without the object."""
        if file.structure is not _TRANSPARENT:
            raise CardError(SW.INCOMPATIBLE_FILE_STRUCTURE)
        if self.tree.dormant or self.declaration.right not in unconditional(file):
            self._admit(file)
        return read_bytes(file.region, self._state.memory, offset, length)

    def records(self, file: File) -> RecordContent:
        """The records of a record EF; 6981 for another structure, 6982 without the right."""
        if file.structure is None or not file.structure.has_records:
            raise CardError(SW.INCOMPATIBLE_FILE_STRUCTURE)
        self._admit(file)
        reads = self.settings.pboc is not None and self.declaration.right is Right.READ
        if reads and (closed := rules.closed_items(file, self)):
            return PartlyClosedRecords(file, self._state.memory, closed)
        return RecordContent(file, self._state.memory)

    def data_objects(self, file: File) -> DataObjectContent:
        """The data objects of a BER-TLV EF or of a DF's own store; 6981, 6982, 6A88 if none."""
        if file.is_df:
            store = self.tree.internal.get((file.cell, FileKind.DATA_OBJECTS, 0))
            if store is None:
                raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
            file = store
        elif file.structure is not Structure.DATA_OBJECTS:
            raise CardError(SW.INCOMPATIBLE_FILE_STRUCTURE)
        self._admit(file)
        return DataObjectContent(file, self._state.memory)

    def reference(self, number: int) -> ReferenceData:
        """The reference data that P2 names, seen from the current DF; 6A88 when there is none."""
        return ReferenceData(self._find(FileKind.REFERENCE_DATA, number), self._state.memory)

    def demand_on_reference(self, number: int, right: Right) -> None:
        """6982 unless the rules of reference data *number* grant *right*; without rules none is."""
        file = self._find(FileKind.REFERENCE_DATA, number)
        if rules.rules_of(self.tree, self._state.memory, file) is None:
            raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)
        self.demand(file, right)

    def key(self, number: int, usage: KeyUsage) -> Key:
        """The key that *number* names, seen from the current DF, for one purpose.

        6A88 when there is none, 6982 when its rules do not let this session use it, 6985 when it
        is not meant for the purpose.
        """
        return self.key_at(self._find(FileKind.KEY, number).cell, usage)

    def key_for(self, number: int, right: Right) -> Key:
        """The key that *number* names, for a command about the key itself; 6A88, 6982."""
        file = self._find(FileKind.KEY, number)
        self.demand(file, right)
        return Key(file, self._state.memory)

    def has_key(self, number: int) -> bool:
        """Whether there is a key that *number* names, seen from the current DF."""
        return self._find_internal(self.df, FileKind.KEY, number) is not None

    def key_at(self, cell: int, usage: KeyUsage) -> Key:
        """The key whose EF starts at *cell*; 6982 and 6985 as `key` says."""
        file = self.tree.files[cell]
        self.demand(file, Right.READ)
        key = Key(file, self._state.memory)
        if not key.usage & usage:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        return key

    def channel_key(self, version: int) -> Key:
        """The first key in reach that opens secure channels and has *version* (0: any); 6A88."""
        for file in self.tree.keys(self.df):
            key = Key(file, self._state.memory)
            if key.usage & KeyUsage.CHANNEL and version in (0, key.version):
                return self.key_at(file.cell, KeyUsage.CHANNEL)
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)

    def implied_key(self, usage: KeyUsage) -> Key:
        """The nearest key in reach for one purpose, where the command names none; 6A88."""
        for file in self.tree.keys(self.df):
            if Key(file, self._state.memory).usage & usage:
                return self.key_at(file.cell, usage)
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)

    def stored_environment(self, number: int) -> StoredEnvironment | None:
        """The security environment *number* that the current DF keeps, if it has one."""
        file = self.tree.internal.get((self.df.cell, FileKind.SECURITY_ENVIRONMENT, number))
        return None if file is None else StoredEnvironment(file, self._state.memory)

    def purse(self, number: int) -> PurseContent:
        """The purse *number* of the current DF; 6A82, 6982 without the right to read it."""
        file = self.tree.internal.get((self.df.cell, FileKind.PURSE, number))
        if file is None:
            raise CardError(SW.FILE_NOT_FOUND)
        self.demand(file, Right.READ)
        log = self.tree.by_sfi.get((self.df.cell, log_of(file, self._state.memory)))
        return PurseContent(file, log, self._state.memory)

    # Structure

    def create(
        self,
        kind: FileKind,
        identifier: int,
        attributes: tuple[Tlv, ...],
        body_size: int,
        life_cycle: LifeCycle,
    ) -> File:
        """A new child of the current DF; 6985, 6982 without the right, 6A84 if it does not fit."""
        self._must_be_awake(self.df)
        self.demand(self.df, Right.CREATE_DF if kind is FileKind.DF else Right.CREATE_EF)
        file = write_file(
            self._state.store,
            kind=kind,
            parent=self.df.cell,
            identifier=identifier,
            attributes=attributes,
            body_size=body_size,
            life_cycle=life_cycle,
        )
        self.tree = self.tree.with_file(file)
        return file

    def install(
        self, kind: FileKind, identifier: int, attributes: tuple[Tlv, ...], body: bytes
    ) -> None:
        """An internal EF of the current DF, new or in the place of its namesake; 6A84.

        The right was demanded by the handler. What the old one had granted is lost.
        """
        place = (self.df.cell, kind, identifier)
        old = self.tree.internal.get(place)
        file = write_file(
            self._state.store,
            kind=kind,
            parent=self.df.cell,
            identifier=identifier,
            attributes=attributes,
            body_size=len(body),
        )
        file.region.write(self._state.memory, 0, body)
        if old is not None:
            self.delete(old)
            satisfied = self.session.satisfied - {old.cell}
            self.session = self.session._replace(satisfied=satisfied)
        self.tree = self.tree.with_file(file)

    def count(self) -> int | None:
        """Turn the counter in the current DF's key file on: its value before; None at its end."""
        file = self.tree.internal.get((self.df.cell, FileKind.KEY_FILE, 0))
        if file is None:
            raise CardError(SW.FILE_NOT_FOUND)
        value = file.region.read(self._state.memory, 0, COUNTER_SIZE)
        after = int.from_bytes(value, "big") + 1
        if after >> 8 * COUNTER_SIZE:
            return None
        file.region.write(self._state.memory, 0, after.to_bytes(COUNTER_SIZE, "big"))
        return after - 1

    def initialise(self, file: File, offset: int, data: bytes) -> None:
        """Write the first content of a file that this very command has created."""
        assert file.cell not in self._state.tree.files
        file.region.write(self._state.memory, offset, data)

    def delete(self, file: File) -> None:
        """Take *file* and all below it away; the right was demanded by the handler."""
        doomed = [*self.tree.below(file), file]
        for each in doomed:
            self._state.store.release(each.cell)
        self.tree = self.tree.without(doomed)

    def transition(self, file: File, state: LifeCycle) -> None:
        """Put *file* into another life cycle state; the right was demanded by the handler."""
        self.tree = self.tree.with_file(set_life_cycle(self._state.store, file, state))

    def terminate_card(self) -> None:
        """Put the card as a whole into the termination state."""
        self._state.store.card_life_cycle = LifeCycle.TERMINATED.value
        self.terminated = True

    def settle(self) -> None:
        """Make what the handler left the card's own; the memory has committed just before."""
        state = self._state
        state.tree = self.tree
        sessions = state.sessions = self.channels
        if self.channel in sessions:  # unless the command has closed its own channel
            sessions[self.channel] = self.session
        if self.terminated:
            state.terminated = True

    # Access

    def may(self, file: File, right: Right) -> bool:
        """Whether the rules of *file* grant *right* to this session."""
        return self._granted(file, right)

    def demand(self, file: File, right: Right) -> None:
        """6982 unless the rules of *file* grant *right* to this session."""
        if not self._granted(file, right):
            raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)

    def _admit(self, file: File) -> None:
        if self.tree.dormant:
            self._must_be_awake(file)
        if self.declaration.right not in unconditional(file):
            self._ask_for_right(file)

    def _ask_for_right(self, file: File) -> None:
        right = self.declaration.right
        assert right is not None, f"{self.declaration.name} declares no right, so it opens nothing"
        if not self._granted(file, right):
            raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)

    def _must_be_awake(self, file: File) -> None:
        """6985 when *file* or a DF above it is deactivated or terminated (7816-4, 7.4.10)."""
        above = self.tree.lineage(self.tree.parent(file))
        if not (file.is_usable and all(df.is_usable for df in above)):
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)

    def _granted(self, file: File, right: Right) -> bool:
        if right in unconditional(file):
            return True
        condition = rules.condition(self.tree, self._state.memory, file, right)
        self._asking = file if file.is_df else self.tree.parent(file)
        return condition.met_by(self)

    def authenticated(self, method: Method, reference: int | None) -> bool:
        """Whether the session satisfied *reference*, as the file under question means it."""
        kind = FileKind.REFERENCE_DATA if method is Method.USER else FileKind.KEY
        assert self._asking is not None
        df = self._asking
        if reference is None:
            return any(self.tree.files[cell].kind is kind for cell in self.session.satisfied)
        file = self._find_internal(df, kind, reference)
        if file is None:
            return False
        if file.cell in self.session.satisfied:
            return True
        return (
            kind is FileKind.REFERENCE_DATA and not ReferenceData(file, self._state.memory).required
        )

    def secured(self, *, authentic: bool, confidential: bool) -> bool:
        """Whether the command came under secure messaging at least so strong."""
        protected = self.protected
        if protected is None:
            return not (authentic or confidential)
        if confidential and protected.decipher is not None:
            protected = self.protected = protected.decipher(protected)
            self.command = protected.command
        return protected.authentic >= authentic and protected.confidential >= confidential

    @property
    def state(self) -> int:
        """The security state of the current DF, 0 to 15."""
        at_mf = self.session.df == self.tree.root
        return self.session.mf_state if at_mf else self.session.state

    @property
    def mf_state(self) -> int:
        """The security state of the MF, 0 to 15."""
        return self.session.mf_state

    def _find(self, kind: FileKind, number: int) -> File:
        file = self._find_internal(self.df, kind, number)
        if file is None:
            raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
        return file

    def _find_internal(self, df: File, kind: FileKind, number: int) -> File | None:
        """The reference data or key *number* as P2 means it (7816-4, table 100).

        Bit 8 set: specific to *df* or the nearest DF above that has it. Bit 8 clear: global, the
        MF's; but a profile can say that every reference is looked for in the DF first.
        """
        tree = self.tree
        anywhere = number & 0x80 or not self.settings.references_by_bit_8
        for home in tree.lineage(df) if anywhere else (tree.mf,):
            file = tree.internal.get((home.cell, kind, number))
            if file is not None:
                return file
        return None
