"""Fills a new local shop with two accounts and a small catalogue, once per table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chalicelib.core.principal import Role
from chalicelib.users import passwords
from chalicelib.users import store as user_store
from chalicelib.users.models import User
from chalicelib.users.schemas import Registration
from tools.catalogue import importer
from tools.catalogue.lines import LineFault
from tools.refusal import Refusal

CATALOGUE = Path(__file__).with_name("demo") / "catalogue.jsonl"
CUSTOMER = "customer@example.com"
ADMIN = "admin@example.com"
ACCOUNTS = {ADMIN: "demo-admin-password", CUSTOMER: "demo-customer-password"}

_NAMES = {ADMIN: ("Demo", "Admin"), CUSTOMER: ("Demo", "Customer")}
_ROLES = {ADMIN: (Role.ADMIN, Role.CUSTOMER), CUSTOMER: (Role.CUSTOMER,)}


def seed() -> None:
    """Load the demo catalogue and open the accounts, unless it was done before.

    The admin's account comes last and tells that everything before it is there, so that an interrupted run is
    completed by the next one, and what a developer changes or deletes later is not brought back.
    """
    if user_store.get_by_email(ADMIN):
        print("The demo shop was seeded before; it is left as it is.")
        return
    report = importer.load(CATALOGUE, on_fault=_refuse, on_progress=lambda _: None)
    _open_accounts()
    print(f"Seeded the demo shop: {len(ACCOUNTS)} accounts, {report.counts.total()} products.")


def _open_accounts() -> None:
    """Open those that are missing, the admin's last; both hashes are worked out at once."""
    missing = [email for email in (CUSTOMER, ADMIN) if user_store.get_by_email(email) is None]
    with ThreadPoolExecutor() as pool:
        hashes = pool.map(passwords.hash_password, [ACCOUNTS[email] for email in missing])
        for email, password_hash in zip(missing, hashes, strict=True):
            user_store.create(_user(email, password_hash), actor="seed")


def _user(email: str, password_hash: str) -> User:
    first_name, last_name = _NAMES[email]
    new = Registration(email=email, password=ACCOUNTS[email], first_name=first_name, last_name=last_name)
    return User.create(new, password_hash, _ROLES[email]).with_confirmed_email()


def _refuse(fault: LineFault) -> None:
    raise Refusal(f"{CATALOGUE}:{fault.number}: {fault}")
