"""Pictures of the core's pages in every state, also those that nobody likes to see, to be looked at by people.

    python -m tests.pages.tour <folder> [part of a name]

Each page becomes one picture for each look (390 and 1440 pixels wide, light and dark), and each look gets contact
sheets of them all. The panel holds what operators have: plugins that fail, were taken out or cannot be loaded, jobs
that run, wait and failed, events that nobody took, changes of plugins that went well and that failed, a stranger's
kind of workload, and a first run. The pages of game servers and webhooks have a tour of their own:
`python -m plugins.gameservers.tests.pages.tour`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muntin.testing.browsing import chromium
from muntin.testing.pictures import LOOKS, Album
from muntin.testing.served import served_panel

from .tour_filling import Filled, environment, fill
from .tour_forms import FORMS, FORMS_OF_STRANGERS
from .tour_second_factor import second_factor

FIRST_RUN = "/setup/administrator /setup/address /setup/node /setup/more"
STRANGERS = """
/sign-in /forgot-password /register /invitation?token=x&email=a@example.org
/reset-password?token=x&email=a@example.org /verify-email?token=x /nothing-here
"""
ADMINISTRATORS = """
/ /account /account/security /account/api-keys /account/api-keys/{key} /account/api-keys/new /account/ssh-keys
/account/activity /admin /admin/accounts /admin/accounts/{account} /admin/accounts/new /admin/roles /admin/roles/1
/admin/roles/2 /admin/roles/new /admin/nodes /admin/nodes/{node} /admin/nodes/{node}/settings
/admin/nodes/{node}/configuration /admin/nodes/new /admin/plugins /admin/plugins/clumsy /admin/plugins/holding
/admin/plugins/unfit /admin/plugins/programs /admin/plugins/changes/{installed} /admin/plugins/changes/{refused}
/admin/plugins/install/upload /programs /admin/settings/general /admin/settings/security
/admin/settings/mail /admin/settings/features /admin/settings/oidc /admin/settings/retention /admin/settings/clumsy
/admin/jobs /admin/jobs?state=cancelled /admin/jobs/{failed} /admin/jobs/{running}
/admin/jobs/events /admin/audit /search?q=role /search?q=nothingisso /docs/api /nothing-here /clumsy/page /away/page
"""


@dataclass
class Tour:
    """A walk through all pages in one look."""

    album: Album

    async def first_run(self, cookies: list[Any]) -> None:
        """The steps of somebody who sets the panel up."""
        context = await self.album.context(cookies)
        await self.album.take_all(context, FIRST_RUN)
        await context.close()

    async def walk(self, filled: Filled) -> None:
        """What a stranger sees, an administrator, and an account that may little; and what forms answer."""
        stranger = await self.album.context()
        await self.album.take_all(stranger, STRANGERS)
        for name, path, step in FORMS_OF_STRANGERS:
            await self.album.take(stranger, name, path, step)
        await stranger.close()
        context = await self.album.context(filled.cookies)
        await self.album.take_all(context, ADMINISTRATORS.format(**filled.ids))
        for name, path, step in FORMS:
            await self.album.take(context, name, path.format(**filled.ids), step)
        await context.close()
        plain = await self.album.context(filled.plain_cookies)
        for path in ("/", "/admin", "/account/security"):
            await self.album.take(plain, f"plain {path}", path)
        await plain.close()
        await second_factor(self.album, f"careful-{self.album.width}-{self.album.scheme}")


async def main(folder: Path, only: Sequence[str]) -> None:
    """Walk in every look."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        async with served_panel(data, environment(Path(place) / "plugins")) as panel, chromium() as browser:
            tours = [Tour(Album(browser, panel.url, folder, width, scheme, only)) for width, scheme in LOOKS]
            filled = await fill(panel, browser, Path(place))
            for tour in tours:
                await tour.first_run(filled.cookies)
            for tour in tours:
                await tour.walk(filled)
                await tour.album.sheets()


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
