"""The judge's own cryptography: small, plain, and sharing nothing with the card it judges.

Speed does not matter here, being different does. One enciphered block is all that is taken from a
library (AES, SM4 and triple DES of `cryptography`); chaining, padding, MACs, SM3, key derivation
and curve arithmetic are spelt out. Both sides are held against the same published vectors.
"""
