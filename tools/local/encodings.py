"""How bodies are packed on their way: what API Gateway unpacks before anybody sees it, and packs for who takes that.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html
"""

import gzip
import re
import zlib

from chalicelib.api import spelling
from tools.local.heads import Refused

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_UNPACKED = ("", "identity")
_WEIGHED = re.compile(r"([a-z*]+)[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]{0,3})?))?")


def unpacked(body: bytes, coding: str, *, most: int) -> bytes:
    """The body as it was before it was packed. Raises `Refused` for what is not packed so, or is larger than `most`."""
    name = coding.strip().lower()
    if name in _UNPACKED or not body:
        return body
    if name not in _WINDOWS:
        raise Refused(415, "unsupported_media_type", "A body is packed by gzip or deflate, or not at all.")
    unpacker = zlib.decompressobj(_WINDOWS[name])
    try:
        whole = unpacker.decompress(body, most + 1)
    except zlib.error:
        whole = b""
    if len(whole) > most:
        raise Refused(413, "payload_too_large", spelling.TOO_LARGE)
    if not unpacker.eof or unpacker.unused_data:
        raise Refused(415, "unsupported_media_type", f"The body is not packed by {name}, as Content-Encoding says.")
    return whole


def packed(body: bytes, taken: str, *, least: int) -> bytes | None:
    """The body packed by gzip, if it has at least so many bytes and the caller takes that; else None."""
    return gzip.compress(body, mtime=0) if len(body) >= least and _takes_gzip(taken) else None


def _takes_gzip(taken: str) -> bool:
    """Is gzip named by an Accept-Encoding? A star is not enough for API Gateway."""
    weights = [_WEIGHED.fullmatch(each.strip().lower()) for each in taken.split(",")]
    return any(each and each[1] == "gzip" and float(each[2] or 1) > 0 for each in weights)
