"""What happens to the store before the panel starts: migrations, built-in roles, first administrator."""

from __future__ import annotations

from muntin.accounts.first import FirstAdministrator, create_first_administrator
from muntin.database.migrations import migrate
from muntin.nodes.local import ensure_local_node
from muntin.panel import Panel
from muntin.roles.seeding import seed_roles


async def prepare_store(panel: Panel) -> FirstAdministrator | None:
    """Migrate everything that is loaded and make what every panel has; answers a new administrator."""
    configuration = panel.configuration
    configuration.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(configuration.store_url, panel.apps, backup_dir=configuration.data_dir / "backups")
    await panel.open()
    try:
        await seed_roles()
        first = await create_first_administrator(configuration)
        await ensure_local_node(configuration)
    finally:
        await panel.close()
    return first
