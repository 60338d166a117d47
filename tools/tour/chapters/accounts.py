"""Ada opens an account, confirms her address, and changes what the shop knows of her."""

from __future__ import annotations

from tools.testing.shop import PASSWORD
from tools.tour.party import Party

NEW_PASSWORD = "an entirely new passphrase"  # noqa: S105 - of an account that lasts for a tour
LAST_PASSWORD = "one passphrase after the other"  # noqa: S105 - as above


def open_account(party: Party) -> None:
    """From registering to a new password."""
    party.guide.tell("The demo admin comes along, to tidy up in the end.")
    party.admin = party.log_in("admin")
    party.guide.owe(party.admin, "POST", "/auth/logout")
    _register(party)
    _confirm(party)
    _change_profile(party)
    _change_password(party)
    _forget_password(party)


def _register(party: Party) -> None:
    guest, key = party.guest, f"register-{party.guide.run}"
    new = {**party.credentials("ada"), "firstName": "Ada", "lastName": "Lovelace"}
    party.guide.tell("Ada registers. Sent again with the same key it is the same account; the address is taken then.")
    party.keep_account(guest("POST", "/auth/register", new, gives=201, Idempotency_Key=key).body)
    guest("POST", "/auth/register", new, gives=201, Idempotency_Key=key)
    guest("POST", "/auth/register", {**new, "lastName": "King"}, gives=422, code="idempotency_key_reused",
          Idempotency_Key=key)  # fmt: skip
    guest("POST", "/auth/register", new, gives=409, code="email_taken")
    party.guide.tell("Every faulty field is named, and what is no JSON is refused.")
    guest("POST", "/auth/register", {"email": "ada", "password": "short"}, gives=400, code="validation_failed")
    guest("POST", "/auth/register", b"{", gives=400, code="invalid_json")
    guest("POST", "/auth/register", b"<a/>", gives=415, code="unsupported_media_type", Content_Type="application/xml")
    guest("POST", "/auth/register", new, gives=400, code="invalid_idempotency_key", Idempotency_Key="k" * 300)


def _confirm(party: Party) -> None:
    party.guide.tell("The mail that came holds a token, which confirms her address once.")
    token = party.around.mailed_token(party.address("ada"), "Please confirm")
    party.guest("POST", "/auth/verify", {"token": token}, gives=204)
    party.guest("POST", "/auth/verify", {"token": token}, gives=400, code="invalid_one_time_token")


def _change_profile(party: Party) -> None:
    party.guide.tell("She logs in (with the right password) and fills in her profile; an old copy changes nothing.")
    party.guest("POST", "/auth/login", party.credentials("ada", "a wrong one"), gives=401, code="bad_credentials")
    ada = party.ada = party.log_in("ada")
    ada("GET", "/auth/me")
    tag = ada("GET", "/users/profile").headers["ETag"]
    ada("GET", "/users/profile", gives=304, If_None_Match=tag)
    ada("PUT", "/users/profile", {"phone": "+44 20 7946 0958"}, If_Match=tag)
    ada("PUT", "/users/profile", {"phone": None}, gives=412, code="user_changed", If_Match=tag)
    ada("PUT", "/users/profile", {"role": "admin"}, gives=400, code="validation_failed")


def _change_password(party: Party) -> None:
    party.guide.tell("A new password ends all other sessions; the old one has to be known.")
    change = {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    party.ada("PUT", "/users/password", {**change, "oldPassword": "a wrong one"}, gives=400, code="wrong_password")
    party.ada("PUT", "/users/password", change, gives=204)


def _forget_password(party: Party) -> None:
    party.guide.tell("Forgotten passwords: the answer never says whether somebody has that address.")
    guest = party.guest
    guest("POST", "/auth/password/forgot", {"email": party.address("nobody")}, gives=202)
    guest("POST", "/auth/password/forgot", {"email": party.address("ada")}, gives=202)
    guest("POST", "/auth/password/forgot", {}, gives=400, code="validation_failed")
    reset = {"token": party.around.mailed_token(party.address("ada"), "Reset"), "password": LAST_PASSWORD}
    guest("POST", "/auth/password/reset", reset, gives=204)
    guest("POST", "/auth/password/reset", reset, gives=400, code="invalid_one_time_token")
    party.ada("GET", "/auth/me", gives=401)
    party.ada = party.log_in("ada", LAST_PASSWORD)
