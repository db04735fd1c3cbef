"""Pictures of every page, to be looked at by people.

    python -m plugins.gameservers.tests.pages.tour <folder> [part of a path]

Each sheet holds several pages side by side; light and dark, 390 and 1440 pixels wide. The panel is filled with what
operators have: many servers, long names, nodes that are away, failed installs.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from muntin.testing.browsing import chromium, sign_in
from muntin.testing.pictures import LOOKS, Album

from .tour_filling import PASSWORD, fill
from .world import World, made_world, signed_in

PAGES = """
/ /servers /servers?search=nothing {own} {own}/startup {own}/network {own}/activity {own}/settings
/servers/{installing} /servers/{failed} /servers/{suspended} /servers/{away} /servers/{crashed} /servers/{reinstalling}
/servers/{moving} /servers/{moving}/settings /servers/{long} /servers/{suspended}/settings /servers/{installing}/startup
/account /account/security /account/api-keys /account/api-keys/new /account/ssh-keys /account/activity
/admin /admin/servers /admin/servers?status=offline&sort=-memory /admin/servers/{server} /admin/servers/{suspended}
/admin/servers/{failed} /admin/servers/{moving} /admin/servers/{stays} /admin/servers/{server}/transfer
/admin/servers/{server}/transfer?node_id={elsewhere} /admin/servers/new /admin/servers/new?egg_id={egg}&node_id={node}
/admin/eggs /admin/eggs/nests /admin/eggs/nests/new /admin/eggs/nests/{nest} /admin/eggs/{egg} /admin/eggs/{egg}/edit
/admin/eggs/{egg}/variables/new /admin/eggs/new /admin/eggs/import
/admin/nodes /admin/nodes/{node} /admin/nodes/{node}/settings /admin/nodes/{node}/configuration
/admin/nodes/{node}/ports /admin/nodes/new
/admin/accounts /admin/accounts/{account} /admin/accounts/new /admin/roles /admin/roles/1 /admin/roles/2
/admin/roles/new /admin/plugins /admin/settings/general /admin/settings/mail /admin/settings/oidc /admin/jobs
/admin/audit /webhooks /webhooks/{my_hook} /webhooks/{off_hook} /admin/webhooks /admin/webhooks/{hook}
/admin/webhooks/{down} /admin/webhooks/{hook}/deliveries/{delivery}
/admin/webhooks/{down}/deliveries/{failed_delivery}
/admin/webhooks/{hook}/edit /admin/webhooks/new/http /admin/webhooks/new/discord /admin/webhooks/new/telegram
/docs/api /docs/api?search=roles /search?q=isles /nothing-here
/setup/administrator /setup/address /setup/node /setup/more
"""
OPEN_PAGES = "/sign-in /forgot-password"
OWN_PAGES = ("/", "/servers", "/webhooks", "/admin")


@dataclass
class Tour:
    """A walk through all pages.

    Attributes:
        ids: What the addresses of pages hold.
    """

    world: World
    ids: dict[str, str]

    async def walk(self, album: Album) -> None:
        """All pages in one look: of the administrator, of a stranger, of accounts with no server and with one."""
        context = await album.context(self.world.cookies)
        await album.take_all(context, PAGES.format(**self.ids))
        await context.close()
        context = await album.context()
        await album.take_all(context, OPEN_PAGES)
        for login in ("ada", "grace.hopper"):
            await self._of_a_plain_account(album, login)
        await context.close()
        await album.sheets()

    async def _of_a_plain_account(self, album: Album, login: str) -> None:
        context = await album.context()
        page = await context.new_page()
        await sign_in(page, album.url, login, PASSWORD)
        await page.close()
        for path in OWN_PAGES:
            await album.take(context, f"{login} {path}", path)
        await context.close()


async def main(sheets: Path, only: Sequence[str]) -> None:
    """Walk in every look."""
    with tempfile.TemporaryDirectory() as folder:
        async with made_world(Path(folder) / "data", "gameservers,webhooks") as world, chromium() as browser:
            tour = Tour(world, await fill(world))
            await (await signed_in(world, browser)).close()
            for width, scheme in LOOKS:
                await tour.walk(Album(browser, world.panel.url, sheets, width, scheme, only))


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
