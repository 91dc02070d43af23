"""What one logical channel remembers until reset: selections, security status, challenge.

A `Session` is a value. A handler builds a new one, and the engine adopts it together with the
memory's commit, so a refused command leaves the channel as it was.
"""

from __future__ import annotations

from typing import NamedTuple

from simcard.messaging.channel import SecureChannel
from simcard.security.environment import Environment
from simcard.security.pace import Run
from simcard.security.signing import Hashed


class Session(NamedTuple):
    """The state of one logical channel (ISO/IEC 7816-4:2020, 7.1 and 9.2).

    `df` and `ef` are cells; `record` is the record pointer, 0 when it points nowhere;
    `satisfied` holds the cells of the reference data and keys that were presented rightly;
    `data_object` is the position of the current data object in the current template, and
    `template` the way to that from the root of its file; `secure` is the secure messaging
    in force and `environment` the current security environment; `state` is the
    security state of the PBOC family, 0 to 15, for the current DF, and `mf_state` for the MF;
    `transaction` is the first half of a pair of commands that nothing may come between; `pace` is
    how far a run of PACE has come; `hashed` is what HASH has left for the next signature.
    """

    df: int
    ef: int | None = None
    record: int = 0
    satisfied: frozenset[int] = frozenset()
    challenge: bytes = b""
    data_object: int | None = None
    template: tuple[int, ...] = ()
    secure: SecureChannel | None = None
    environment: Environment = Environment()
    state: int = 0
    mf_state: int = 0
    transaction: object = None
    pace: Run | None = None
    hashed: Hashed | None = None

    def without_channel(self) -> Session:
        """This session after its secure messaging has ended, and the rights that hung on it."""
        if self.secure is None:
            return self
        return self._replace(secure=None, satisfied=self.satisfied - self.secure.grants)

    def with_channel(self, channel: SecureChannel) -> Session:
        """This session under *channel* instead of any other, with the rights that hang on it."""
        without = self.without_channel()
        return without._replace(secure=channel, satisfied=without.satisfied | channel.grants)
