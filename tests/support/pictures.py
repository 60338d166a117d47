"""The smallest pictures there are, one of each kind that a product may have, and one of a kind that it may not."""

from __future__ import annotations

from base64 import b64decode

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
WEBP = b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
GIF = b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAACADs=")
KINDS = {"image/png": PNG, "image/jpeg": JPEG, "image/webp": WEBP}
