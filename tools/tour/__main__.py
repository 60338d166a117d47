"""`make tour`: lead a visitor through every route of the open shop, and say what was sent and what came.

The shop is the local one, at PORT, CLOUD_PORT and PAYMENT_PORT, as `make run` opened it. With `--examples` what was
sent and got becomes the examples of the API's document. Exit codes: 0 everything was as expected, 1 something was not,
or a route was left out, 2 there is no shop.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from chalicelib.api.permissions import ROUTES
from tools import stage
from tools.local import settings as local
from tools.refusal import Refusal, complain
from tools.tour import chapters
from tools.tour.examples import Examples
from tools.tour.guide import Guide, ShopOverHttp, Strayed
from tools.tour.party import Party
from tools.tour.surroundings import Surroundings


def main() -> int:
    """Go through the shop; the exit code."""
    try:
        settings = _local_shop()
        examples = Examples()
        guide = Guide(ShopOverHttp(settings.api_url), print, ROUTES, note=examples.note)
        print(_lead(guide, Surroundings(settings, os.environ["PAYMENT_SECRET_NAME"])))
        if "--examples" in sys.argv[1:]:
            examples.write()
    except Refusal as refusal:
        return complain(str(refusal))
    except Strayed as strayed:
        return complain(str(strayed), code=1)
    except KeyboardInterrupt:
        return complain("The tour was interrupted.", code=130)
    return 0


def _local_shop() -> local.LocalSettings:
    """Where the local shop is. Raises `Refusal` for another one, or where none is open."""
    asked = os.environ.get("STAGE") or local.STAGE
    if asked != local.STAGE:
        raise Refusal(f"The tour goes through the local shop, and STAGE is {asked}: it needs the demo accounts.")
    stage.enter()
    stage.require_table()
    return local.read()


def _lead(guide: Guide, around: Surroundings) -> str:
    """All chapters; the count. What was made goes again, however the tour ends."""
    try:
        party = Party.gathered(guide, around)
        for title, story in chapters.ALL:
            guide.begin(title)
            _tell(story, party)
    finally:
        guide.tidy_up()
    return f"\n{guide.count()}"


def _tell(story: Callable[[Party], None], party: Party) -> None:
    try:
        story(party)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Strayed(f"{party.guide.chapter}, after request {party.guide.sent}: the answer lacks {error}.") from error


if __name__ == "__main__":
    sys.exit(main())
