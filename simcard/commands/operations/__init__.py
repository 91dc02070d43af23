"""What PERFORM SECURITY OPERATION does: hash, sign and verify, encipher and decipher, checksums."""
