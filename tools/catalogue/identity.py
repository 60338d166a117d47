"""The product id that belongs to a SKU."""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS = 80
_BIRTH = "01DXF6DT00"  # the ULID timestamp of 2020-01-01T00:00:00Z


def product_id(sku: str) -> str:
    """The same id for the same SKU, always, so that a repeated import needs no look-up to meet its own items.

    The random part of the ULID is the first 80 bits of the SKU's SHA-256: among a million products two share an id
    with a chance of 4 in 10¹³. The timestamp part is fixed, since neither the time of the import nor the position
    in the file survives a repeat. It lies before the shop's first day; lists are ordered by `createdAt`, so it shows
    nowhere.
    """
    number = int.from_bytes(hashlib.sha256(sku.encode()).digest()[: _BITS // 8], "big")
    digits = (_ALPHABET[number >> shift & 31] for shift in range(_BITS - 5, -1, -5))
    return f"prd_{_BIRTH}{''.join(digits)}"
