"""Makes recipe.hex: one envelope, from the description of the format alone."""

import uuid

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

subject_key, record_key, nonce, salt = bytes([5] * 32), bytes([1] * 32), bytes([2] * 12), bytes([3] * 32)
name, content = b"2026-11/operator.op-7k2m", b"the recipe"

# RFC 9562 section 5.7: 48 bits of milliseconds, version 7, 12 bits, variant, 62 bits.
number = int.from_bytes((1_795_000_000_000).to_bytes(6, "big") + bytes([7] * 10), "big")
number = number & ~(0xF << 76) | 7 << 76
number = number & ~(0x3 << 62) | 2 << 62
record = str(uuid.UUID(int=number)).encode()

wrapping = HKDF(SHA256(), 32, b"penstock subject key v1", b"wrap").derive(subject_key)
envelope = b"penseal\x01" + record + bytes([len(name)]) + name
envelope += nonce + ChaCha20Poly1305(wrapping).encrypt(nonce, record_key, envelope)
envelope += ChaCha20Poly1305(record_key).encrypt(bytes(12), salt + content, envelope)
print(envelope.hex())
