"""The judge's own cryptography: small, plain, and sharing nothing with the card it judges.

Speed does not matter here, being different does. One enciphered block (AES, SM4 and triple DES), an
ECDSA signature verified, and an inverse modulo a prime are all that is taken from libraries;
chaining, padding, MACs, SM3, key derivation and curve arithmetic are spelt out. Both sides are held
against the same published vectors.
"""
