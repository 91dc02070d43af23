"""The computations of PBOC electronic purses: process keys, MAC1, MAC2, TAC and line protection.

Triple DES is the generation that published records of real cards confirm. With SM4 the same
formulas run over 16-byte blocks and keys; the public sources do not settle that generation, and
what is chosen here is said at each function.

All byte strings are as they stand in the commands: amount(4), kind(1), terminal(6), date(4) and
time(3) BCD. Transaction MACs and TACs are 4 bytes.
"""

from typing import NamedTuple

from simcard.crypto.blocks import BlockCipher, BlockSuite, KeyLengthError, block_suite
from simcard.crypto.macs import retail_mac
from simcard.crypto.padding import pad

MAC_LENGTH = 4
"""The leftmost bytes of a block that travel as MAC1, MAC2, TAC and line MAC."""


class Transaction(NamedTuple):
    """The part of a transaction that every MAC covers, in the order of the commands.

    *kind* is 01 load ED, 02 load EP, 03 unload ED, 05 purchase ED, 06 purchase EP, 07 update of the
    overdraw limit, 09 composite purchase.
    *moment* is date and time as the terminal gives them; MAC1 of a load is computed before.
    """

    amount: bytes
    kind: bytes
    terminal: bytes
    moment: bytes = b""

    @property
    def wire(self) -> bytes:
        """The four fields as they follow one another in commands and MACs."""
        return b"".join(self)


def process_key(key: bytes, data: bytes, cipher: BlockCipher = BlockCipher.TDES) -> bytes:
    """The key of one transaction: *data*, filled up to one block with 80 00.., under *key*.

    8 bytes (a DES key) with TDES, 16 with SM4. *data* longer than a block raises ValueError.
    """
    suite = _suite_of(key, cipher)
    if len(data) > suite.block_size:
        raise ValueError(f"a process key is made from one block, not {len(data)} bytes")
    return suite.encrypt_ecb(_filled(data, suite.block_size))


def load_process_key(
    key: bytes, random: bytes, online_counter: bytes, cipher: BlockCipher = BlockCipher.TDES
) -> bytes:
    """The process key of a load: E(DLK, random(4) || online counter(2) || 80 00)."""
    return process_key(key, random + online_counter, cipher)


def purchase_process_key(
    key: bytes,
    random: bytes,
    offline_counter: bytes,
    terminal_counter: bytes,
    cipher: BlockCipher = BlockCipher.TDES,
) -> bytes:
    """The process key of a purchase: E(DPK, random(4) || offline counter(2) || terminal counter).

    Of the *terminal_counter*(4) the low two bytes take part.
    """
    return process_key(key, random + offline_counter + terminal_counter[-2:], cipher)


def transaction_mac(key: bytes, data: bytes) -> bytes:
    """4 bytes over *data*: CBC-MAC, zero IV, padding 80 00.. always added.

    DES under an 8-byte process or TAC key, SM4 under one of 16 bytes.
    """
    cipher = BlockCipher.DES if len(key) == 8 else BlockCipher.SM4
    return block_suite(cipher, key).cbc_mac(data)[:MAC_LENGTH]


def load_mac1(process: bytes, balance: bytes, transaction: Transaction) -> bytes:
    """MAC1 of INITIALIZE FOR LOAD, by the card: balance(4) || amount || kind || terminal."""
    return transaction_mac(process, balance + transaction._replace(moment=b"").wire)


def load_mac2(process: bytes, transaction: Transaction) -> bytes:
    """MAC2 of CREDIT FOR LOAD, by the host: amount || kind || terminal || date || time."""
    return transaction_mac(process, transaction.wire)


def load_tac(tac: bytes, balance: bytes, online_counter: bytes, transaction: Transaction) -> bytes:
    """TAC of CREDIT FOR LOAD under the :func:`tac_key` *tac*.

    Covered are *balance*(4) after and *online_counter*(2) before the load, then the transaction
    with date and time.
    """
    return transaction_mac(tac, balance + online_counter + transaction.wire)


def unload_mac3(
    process: bytes, balance: bytes, online_counter: bytes, transaction: Transaction
) -> bytes:
    """MAC3 of DEBIT FOR UNLOAD, by the card: covered as by :func:`load_tac`.

    MAC1 and MAC2 of an unload are those of a load. The process key is made like that of a load.
    """
    return load_tac(process, balance, online_counter, transaction)


def overdraw_mac1(process: bytes, balance: bytes, limit: bytes, transaction: Transaction) -> bytes:
    """MAC1 of INITIALIZE FOR UPDATE: balance(4), the old *limit*(3), kind and terminal."""
    covered = transaction._replace(amount=balance + limit, moment=b"")
    return transaction_mac(process, covered.wire)


def overdraw_mac2(process: bytes, limit: bytes, transaction: Transaction) -> bytes:
    """MAC2 of UPDATE OVERDRAW LIMIT: the new *limit*(3), kind, terminal, date and time."""
    return transaction_mac(process, transaction._replace(amount=limit).wire)


def overdraw_tac(
    tac: bytes, balance: bytes, online_counter: bytes, limit: bytes, transaction: Transaction
) -> bytes:
    """TAC of UPDATE OVERDRAW LIMIT: balance(4) after, counter(2) before, then as MAC2."""
    covered = transaction._replace(amount=balance + online_counter + limit)
    return transaction_mac(tac, covered.wire)


def purchase_mac1(process: bytes, transaction: Transaction) -> bytes:
    """MAC1 of DEBIT FOR PURCHASE, by the PSAM: amount || kind || terminal || date || time."""
    return transaction_mac(process, transaction.wire)


def purchase_mac2(process: bytes, amount: bytes) -> bytes:
    """MAC2 of DEBIT FOR PURCHASE, by the card: amount(4) alone."""
    return transaction_mac(process, amount)


def purchase_tac(tac: bytes, terminal_counter: bytes, transaction: Transaction) -> bytes:
    """TAC of DEBIT FOR PURCHASE: amount, kind, terminal, *terminal_counter*(4), date and time."""
    data = transaction._replace(moment=terminal_counter + transaction.moment)
    return transaction_mac(tac, data.wire)


def tac_key(key: bytes, cipher: BlockCipher = BlockCipher.TDES) -> bytes:
    """The key of TACs: left half of DTK xor right half; with SM4 the key itself.

    KeyLengthError unless *key* has 16 bytes.
    """
    if len(key) != 16:
        raise KeyLengthError(f"a TAC key has 16 bytes, not {len(key)}")
    if cipher is BlockCipher.SM4:
        return key
    return bytes(left ^ right for left, right in zip(key[:8], key[8:], strict=True))


def line_mac(
    key: bytes, challenge: bytes, data: bytes, cipher: BlockCipher = BlockCipher.TDES
) -> bytes:
    """The 4-byte MAC of a line-protected command over CLA INS P1 P2 Lc and *data* field.

    The chain starts from *challenge* (4, 8 or 16 bytes) filled with 00 to a block; Lc counts the
    MAC. Under 8 bytes plain DES CBC, under 16 the retail MAC, with SM4 its CBC-MAC.
    """
    start = challenge.ljust(cipher.block_size, b"\x00")
    if cipher is BlockCipher.TDES and len(key) != 8:
        return retail_mac(key, data, start)[:MAC_LENGTH]
    return _suite_of(key, cipher).cbc_mac(data, start)[:MAC_LENGTH]


def line_encipher(key: bytes, plain: bytes, cipher: BlockCipher = BlockCipher.TDES) -> bytes:
    """The enciphered data field of line protection: length byte || *plain*, in ECB.

    It is filled up with 80 00.. unless the blocks are full already. ValueError for more than 255
    bytes.
    """
    if len(plain) > 0xFF:
        raise ValueError(f"line protection carries at most 255 bytes, not {len(plain)}")
    suite = _suite_of(key, cipher)
    return suite.encrypt_ecb(_filled(bytes([len(plain)]) + plain, suite.block_size))


def line_decipher(key: bytes, data: bytes, cipher: BlockCipher = BlockCipher.TDES) -> bytes:
    """The plain data field inside *data*, an enciphered one.

    ValueError when *data* is empty or no whole blocks, or length byte and padding do not fit.
    """
    suite = _suite_of(key, cipher)
    opened = suite.decrypt_ecb(data)
    end = 1 + opened[0] if opened else 1
    if end > len(opened) or opened != _filled(opened[:end], suite.block_size):
        raise ValueError("the deciphered data field does not fit its length byte")
    return opened[1:end]


def authentication_cryptogram(
    key: bytes, challenge: bytes, cipher: BlockCipher = BlockCipher.TDES
) -> bytes:
    """One block for EXTERNAL or INTERNAL AUTHENTICATE: *challenge*, filled with 00, under *key*.

    ValueError when the challenge is longer than a block.
    """
    suite = _suite_of(key, cipher)
    if len(challenge) > suite.block_size:
        raise ValueError(f"a challenge is at most one block, not {len(challenge)} bytes")
    return suite.encrypt_ecb(challenge.ljust(suite.block_size, b"\x00"))


def _suite_of(key: bytes, cipher: BlockCipher) -> BlockSuite:
    """The suite of *key*; 8 bytes are a DES key in the generation of triple DES."""
    if cipher is BlockCipher.TDES and len(key) == 8:
        cipher = BlockCipher.DES
    return block_suite(cipher, key)


def _filled(data: bytes, block_size: int) -> bytes:
    """*data* with 80 00.. behind it unless it is whole blocks already (unlike MAC padding)."""
    return pad(data, block_size) if len(data) % block_size or not data else data
