"""How a result becomes pages: decoding, translating, summing up, comparing, sealing."""
