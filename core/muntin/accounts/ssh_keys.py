"""Public keys for SFTP."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.dsa import DSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts.errors import SshKeyExists
from muntin.accounts.models import SshKeyRow
from muntin.accounts.own import locked_account
from muntin.accounts.schemas import SshKey
from muntin.database import Transaction, run_in_transaction, transaction
from muntin.errors import InvalidInput, LimitReached
from muntin.schemas import Page, PageQuery
from muntin.translation import _

MAX_KEYS = 50
SHORTEST_RSA_BITS = 2048
SORTABLE = ("created_at", "name", "fingerprint")


@guarded("account.ssh-keys")
async def list_ssh_keys(actor: Actor, query: PageQuery) -> Page[SshKey]:
    """The actor's keys."""
    rows = SshKeyRow.visible_to(actor)
    if query.search:
        rows = rows.filter(Q(name__icontains=query.search) | Q(fingerprint__icontains=query.search))
    order = query.order(SORTABLE, default="name")
    found: list[SshKeyRow] = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([_shown(row) for row in found], await rows.count(), query)


@guarded("account.ssh-keys", sessions_only=True)
async def add_ssh_key(actor: Actor, *, name: str, public_key: str) -> SshKey:
    """Add a key.

    Args:
        public_key: A line as OpenSSH writes it; its comment is left out.

    Raises:
        InvalidInput: It is no public key, or too weak a one.
        SshKeyExists: The account has it already.
    """
    line = checked_key(public_key)
    fingerprint = fingerprint_of(line)

    async def add(events: Transaction) -> SshKeyRow:
        account = await locked_account(actor)
        if await SshKeyRow.exists(account_id=account.id, fingerprint=fingerprint):
            raise SshKeyExists
        if await SshKeyRow.filter(account_id=account.id).count() >= MAX_KEYS:
            raise LimitReached(_("An account can have at most {limit} SSH keys.", limit=MAX_KEYS), limit=MAX_KEYS)
        row = await SshKeyRow.create(account_id=account.id, name=name, public_key=line, fingerprint=fingerprint)
        await audit.record(events, actor, "ssh_key.created", ("ssh_key", row.id), {"fingerprint": fingerprint})
        return row

    return _shown(await run_in_transaction(add))


@guarded("account.ssh-keys", on=SshKeyRow)
async def delete_ssh_key(actor: Actor, key: SshKeyRow) -> None:
    """Remove a key; it opens nothing from now on."""
    async with transaction() as events:
        await key.delete()
        await audit.record(events, actor, "ssh_key.deleted", ("ssh_key", key.id), {"fingerprint": key.fingerprint})


def checked_key(public_key: str) -> str:
    """Type and base64 of a public key that is strong enough.

    Raises:
        InvalidInput: Names the field `public_key`.
    """
    parts = public_key.split()
    try:
        key = load_ssh_public_key(" ".join(parts[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput.of("public_key", _("Give a public key such as: ssh-ed25519 AAAA...")) from None
    if isinstance(key, DSAPublicKey) or (isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA_BITS):
        raise InvalidInput.of("public_key", _("This key is too weak; make one with: ssh-keygen -t ed25519"))
    return " ".join(parts[:2])


def fingerprint_of(line: str) -> str:
    """As `ssh-keygen -l` shows it."""
    blob = hashlib.sha256(b64decode(line.split()[1])).digest()
    return f"SHA256:{b64encode(blob).decode().rstrip('=')}"


def _shown(row: SshKeyRow) -> SshKey:
    return SshKey(
        id=row.id, name=row.name, fingerprint=row.fingerprint, public_key=row.public_key, created_at=row.created_at
    )
