"""DES keys as bytes: odd parity in the lowest bit of every byte, which no card checks."""

_ODD_PARITY = bytes(byte ^ (byte.bit_count() + 1) % 2 for byte in range(256))


def with_odd_parity(key: bytes) -> bytes:
    """*key* with the lowest bit of each byte set so that the byte has odd parity (FIPS 46-3).

    The parity bits take no part in the cipher; ICAO 9303-11 prints adjusted keys.
    """
    return key.translate(_ODD_PARITY)
