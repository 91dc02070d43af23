"""A conformance suite for ISO/IEC 7816 and PBOC cards, virtual or in a reader."""
