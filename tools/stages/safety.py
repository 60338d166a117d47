"""What watches an account, in words: `make account SAFETY="trail backups security@example.com"`.

See docs/account-security.md for what each part is.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.refusal import Refusal

STACK, FILE = "shop-safety", "safety.yaml"  # not ecommerce-…, which who deploys may change
# What may be named of the template; a word forgotten switches nothing off.
PARTS = {
    "trail": "HasTrail",
    "detector": "HasDetector",
    "recorder": "HasRecorder",
    "backups": "HasBackups",
    "analyzer": "HasAnalyzer",
    "lock": "IsVaultLocked",
}
NOT, MAIL = "no-", "mail"
# What stays in the stack once a part has made it: its name is fixed, so it could not be made a second time.
KEPT = {"HasRecords": ("HasTrail", "HasRecorder"), "HasVault": ("HasBackups",)}


def parameters(named: str, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """What infra/safety.yaml is told: what is named is on, `no-…` is off, and all else is as before.

    Raises `Refusal` for a word that is none of its parts, and for a lock of nothing.
    """
    given, words = before or {}, named.replace(",", " ").split()
    off = {each.removeprefix(NOT) for each in words if each.startswith(NOT)}
    addresses = [each for each in words if "@" in each]
    parts = {each for each in words if "@" not in each and not each.startswith(NOT)}
    _judge(parts, off, addresses)
    ever = {name for name, value in given.items() if value == "true"} | {PARTS[each] for each in parts}
    on = ever - {PARTS[each] for each in off if each != MAIL}
    on |= {kept for kept, makers in KEPT.items() if ever & {kept, *makers}}
    if PARTS["lock"] in on and "HasVault" not in on:
        raise Refusal("lock is about the vault of the backups: name backups, too.")
    email = "".join(addresses) or ("" if MAIL in off else given.get("Email", ""))
    if not (on or email):
        raise Refusal(f"SAFETY leaves nothing on: delete the stack {STACK} instead, if there is one.")
    return {name: str(name in on).lower() for name in (*PARTS.values(), *KEPT)} | {"Email": email}


def _judge(parts: set[str], off: set[str], addresses: list[str]) -> None:
    if unknown := (parts - set(PARTS)) | (off - {*PARTS, MAIL}):
        raise Refusal(f"{min(unknown)} is no part of the account's safety: {', '.join(PARTS)}, or an address of mail.")
    if both := parts & off:
        raise Refusal(f"SAFETY says both {min(both)} and {NOT}{min(both)}.")
    if len(addresses) > 1:
        raise Refusal("SAFETY names one address of mail at most.")
