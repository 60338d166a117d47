"""What watches an account, in words: `make account SAFETY="trail backups security@example.com"`.

See docs/account-security.md for what each part is.
"""

from __future__ import annotations

from tools.refusal import Refusal

STACK, FILE = "shop-safety", "safety.yaml"  # not ecommerce-…, which who deploys may change
# What may be named of the template; what is not named is switched off.
PARTS = {
    "trail": "HasTrail",
    "detector": "HasDetector",
    "recorder": "HasRecorder",
    "backups": "HasBackups",
    "analyzer": "HasAnalyzer",
    "lock": "IsVaultLocked",
}


def parameters(named: str) -> dict[str, str]:
    """What infra/safety.yaml is told. Raises `Refusal` for a word that is none of its parts, and a lock of nothing."""
    words = named.replace(",", " ").split()
    parts, addresses = [each for each in words if "@" not in each], [each for each in words if "@" in each]
    if unknown := set(parts) - set(PARTS):
        raise Refusal(f"{min(unknown)} is no part of the account's safety: {', '.join(PARTS)}, or an address of mail.")
    if len(addresses) > 1 or not parts:
        raise Refusal(f"SAFETY names parts ({', '.join(PARTS)}), and one address of mail at most.")
    if "lock" in parts and "backups" not in parts:
        raise Refusal("lock is about the vault of the backups: name backups, too.")
    return {parameter: str(part in parts).lower() for part, parameter in PARTS.items()} | {"Email": "".join(addresses)}
