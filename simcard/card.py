"""The card: power, reset, and one APDU's way through its stages.

`Card.transmit` is the only place where the order of the stages is written. Each stage is one
method with one name; a refusal (`CardError`) at any of them becomes the status word of the answer.
"""

from __future__ import annotations

from typing import Self

from simcard.apdu import CLASS_BYTES, ClassByte, Command, Protection
from simcard.commands.call import Call
from simcard.commands.declaration import Reply
from simcard.entropy import Entropy
from simcard.memory.flash import Flash, WornOut
from simcard.memory.journal import TransactionTooLarge
from simcard.messaging.channel import Unwrapped
from simcard.state import CardState, Settings
from simcard.status import SW, CardError, StatusWord

_MUTE = b""
GET_RESPONSE = 0xC0


class Card:
    """A smart card seen from its contacts.

    Everything that must survive lies in *flash*; power-on mounts it. An exception that is neither
    a refusal nor the loss of power is a fault of ours: the card answers 6F00, keeps it in `fault`
    and is mute until the next reset.
    """

    __slots__ = ("_chain", "_entropy", "_state", "_waiting", "fault", "flash", "settings")

    def __init__(self, settings: Settings, flash: Flash, entropy: Entropy) -> None:
        self.settings = settings
        self.flash = flash
        self.fault: Exception | None = None
        self._entropy = entropy
        self._state: CardState | None = None
        self._chain: Command | None = None
        self._waiting: tuple[int, Reply] | None = None

    # Power

    @property
    def atr(self) -> bytes:
        """The Answer-to-Reset, 2 to 33 bytes."""
        return self.settings.atr

    @property
    def powered(self) -> bool:
        """Whether the contacts carry power."""
        return self._state is not None

    @property
    def state(self) -> CardState | None:
        """What the powered card holds, for tools that look inside; None without power."""
        return self._state

    def power_on(self) -> bytes:
        """Supply power: recover the memory, mount the tree, answer to reset.

        `ImageError` or `LayoutError` when the memory is not one that this program can read.
        """
        self._forget()
        self._state = CardState.mount(self.settings, self.flash, self._entropy)
        return self.atr

    def reset(self) -> bytes:
        """Warm reset: forget everything volatile, answer to reset."""
        if self._state is None:
            return self.power_on()
        self._forget()
        self._state.restart()
        return self.atr

    def power_off(self) -> None:
        """Take the power away: what was not committed is gone."""
        self._forget()
        self._state = None

    def fork(self) -> Self:
        """An independent card in the same state; pages are shared until one side writes."""
        twin = type(self).__new__(type(self))
        twin.settings = self.settings
        twin.fault = self.fault
        twin._chain = self._chain
        twin._waiting = self._waiting
        if self._state is None:
            twin._state = None
            twin.flash = self.flash.fork()
            twin._entropy = self._entropy.fork()
        else:
            twin._state = self._state.fork()
            twin.flash = twin._state.memory.flash
            twin._entropy = twin._state.entropy
        return twin

    def _forget(self) -> None:
        self.fault = None
        self._chain = None
        self._waiting = None

    # One APDU's way

    def transmit(self, raw: bytes) -> bytes:
        """The response APDU to the command APDU *raw*; empty when the card is mute.

        `PowerLoss` passes through: the card is without power then. `RuntimeError` when it was
        not powered in the first place.
        """
        state = self._state
        if state is None:
            raise RuntimeError("the card has no power: call power_on() first")
        if self.fault is not None:
            return _MUTE
        try:
            return self._process(state, raw)
        except Exception as fault:  # noqa: BLE001 - the last line of defence, and it is kept
            self.fault = fault
            state.memory.rollback()
            return SW.NO_PRECISE_DIAGNOSIS.encoded
        except BaseException:
            self._state = None
            raise

    def _process(self, state: CardState, raw: bytes) -> bytes:
        waiting, chain = self._waiting, self._chain
        if waiting is not None or chain is not None:
            self._waiting = self._chain = None  # the next command fetches, continues, or ends them
        try:
            command = Command.parse(raw)
            class_byte = CLASS_BYTES[command.cla]
            if class_byte is None:
                return self._refused(state, SW.CLASS_NOT_SUPPORTED)
            session = state.sessions.get(class_byte.channel)
            if session is None:
                return self._refused(state, SW.CHANNEL_NOT_SUPPORTED)
            if chain is not None or class_byte.chained or command.extended:
                joined = self._join_chain(chain, class_byte, command)
                if joined is None:
                    return SW.OK.encoded
                command = joined
            expected = command.expected or 0
            if command.extended:
                expected = min(expected, self.settings.response_data_max)
            protected = None
            if class_byte.protected or session.secure is not None:
                protected = self._unwrap(state, class_byte, command)
            if protected is None:
                declaration = self.settings.commands.find(class_byte, command.ins)
                call = Call(state, class_byte.channel, command, declaration)
                if waiting is not None and waiting[0] == class_byte.channel:
                    call.waiting = waiting[1]
                if chain is not None:
                    call.continued = True
                reply = self._execute(state, call)
            else:
                reply = self._answer_sealed(state, class_byte, protected, chain is not None)
                if protected.shares_le:
                    expected = max(expected, len(reply.data))
        except CardError as refusal:
            return self._refused(state, refusal.sw)
        if reply.waiting is not None:
            self._waiting = (class_byte.channel, reply.waiting)
        if len(reply.data) <= expected:
            return reply.data + reply.sw.encoded
        return self._hold_back(class_byte.channel, reply, expected)

    def _refused(self, state: CardState, sw: StatusWord) -> bytes:
        """The answer *sw*: a refusal ends a chain, and a pair of commands that it came between."""
        self._chain = None
        state.end_transactions()
        return sw.encoded

    def _join_chain(
        self, chain: Command | None, class_byte: ClassByte, command: Command
    ) -> Command | None:
        """The whole command once its last part is there, None while parts are missing.

        Each command in the chain of a stepwise one is a whole command.
        A part of a command that the card does not serve is refused at once, as the command is.
        6883 when another command comes inside a chain; 6700 when the data field, or the parts
        together, are longer than the card can hold.
        """
        if chain is None and not class_byte.chained:
            if command.extended and len(command.data) > self.settings.command_data_max:
                raise CardError(SW.WRONG_LENGTH)
            return command
        expected = (command.cla | 0x10, command.ins, command.p1, command.p2)
        if chain is not None and chain[:4] != expected:
            raise CardError(SW.LAST_OF_CHAIN_EXPECTED)
        if self.settings.commands.find(class_byte, command.ins).stepwise:
            self._chain = command._replace(data=b"") if class_byte.chained else None
            return command
        if chain is not None:
            command = command._replace(data=chain.data + command.data)
        if len(command.data) > self.settings.command_data_max:
            raise CardError(SW.WRONG_LENGTH)
        if class_byte.chained:
            self._chain = command
            return None
        return command

    def _unwrap(
        self, state: CardState, class_byte: ClassByte, command: Command
    ) -> Unwrapped | None:
        """Check and remove secure messaging; None for a command that has none.

        6882 for a protection that no channel of this session understands; 6987 and 6988 for one
        that is incomplete or wrong. A failure, and in some schemes a plain command, ends the
        channel together with the rights that were gained by it.
        """
        session = state.sessions[class_byte.channel]
        channel = session.secure or state.line_protection(class_byte, command)
        session = state.sessions[class_byte.channel]
        if class_byte.protection is Protection.NONE:
            if channel is None or command.ins == GET_RESPONSE:
                return None
            if channel.ends_with_plain_command:
                state.sessions[class_byte.channel] = session.without_channel()
            return None
        if channel is None:
            raise CardError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
        try:
            unwrapped = channel.unwrap(command, class_byte)
        except CardError:
            state.sessions[class_byte.channel] = session.without_channel()
            raise
        except WornOut:  # the error counter of a key cannot be kept
            state.memory.rollback()
            raise CardError(SW.MEMORY_FAILURE) from None
        state.sessions[class_byte.channel] = session._replace(secure=unwrapped.after)
        return unwrapped

    def _answer_sealed(
        self, state: CardState, class_byte: ClassByte, protected: Unwrapped, continued: bool
    ) -> Reply:
        """Run an unwrapped command and seal its answer, a refusal as well as a success."""
        command = protected.command
        try:
            declaration = self.settings.commands.find(class_byte, command.ins)
            if protected.shares_le and command.case not in declaration.cases:
                command = command._replace(expected=None)
            call = Call(state, class_byte.channel, command, declaration)
            call.protected = protected
            call.continued = continued
            reply = self._execute(state, call)
            protected = call.protected or protected
        except CardError as refusal:
            self._refused(state, refusal.sw)
            reply = Reply(b"", refusal.sw)
        return Reply(protected.seal.wrap(reply.data[: command.ne], reply.sw), reply.sw)

    def _execute(self, state: CardState, call: Call) -> Reply:
        """Run the handler in a transaction that the status word settles."""
        declaration = call.declaration
        command = call.command
        if not declaration.allows[command.expected is not None][not command.data]:
            raise CardError(SW.WRONG_LENGTH)
        if state.terminated:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        memory = state.memory
        try:
            reply = declaration.run(call)
            if memory.dirty:
                assert reply.sw.memory_may_have_changed, f"{declaration.name}: {reply.sw}"
                memory.commit()
        except CardError:
            memory.rollback()
            raise
        except TransactionTooLarge:
            memory.rollback()
            raise CardError(SW.NOT_ENOUGH_MEMORY) from None
        except WornOut:
            memory.rollback()
            raise CardError(SW.MEMORY_FAILURE) from None
        call.settle()
        return reply

    def _hold_back(self, channel: int, reply: Reply, expected: int) -> bytes:
        """The first *expected* bytes with 61XX; the rest waits for GET RESPONSE (7816-4, 5.3.4)."""
        rest = reply.data[expected:]
        self._waiting = (channel, Reply(rest, reply.sw))
        return reply.data[:expected] + SW.more(len(rest)).encoded
