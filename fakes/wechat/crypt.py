"""Signatures and sealed messages of the message push.

Key: base64(EncodingAESKey + "="), 32 bytes; AES-256-CBC, IV its first 16 bytes, PKCS#7 to blocks of 32 bytes. Inside:
16 bytes by chance, the length of the message as four bytes (big-endian), the message, the appid.
"""

import base64
import hashlib
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32


def signature(*parts):
    """SHA-1 over the sorted parts: token, timestamp, nonce, and for sealed messages what is sealed."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _cipher(aes_key):
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def seal(aes_key, appid, message):
    """`message` (text) sealed for `appid`, in base64."""
    words = message.encode()
    inside = os.urandom(16) + struct.pack(">I", len(words)) + words + appid.encode()
    padding = BLOCK - len(inside) % BLOCK
    encryptor = _cipher(aes_key).encryptor()
    return base64.b64encode(encryptor.update(inside + bytes([padding]) * padding) + encryptor.finalize()).decode()


def unseal(aes_key, sealed):
    """(message, appid) of what was sealed; ValueError for what was not sealed under this key."""
    decryptor = _cipher(aes_key).decryptor()
    inside = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    inside = inside[16 : -inside[-1]]
    (length,) = struct.unpack(">I", inside[:4])
    return inside[4 : 4 + length].decode(), inside[4 + length :].decode()
