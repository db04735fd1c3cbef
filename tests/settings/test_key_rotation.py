"""Changing the panel's key: every secret is encrypted anew, and none is lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tortoise.exceptions import OperationalError

from muntin import key_rotation
from muntin.accounts.tokens import read_access_token
from muntin.configuration import Configuration
from muntin.database import execute, fetch_all
from muntin.encryption import CannotDecrypt, Encryption, decrypt, encrypt, panel_encryption
from muntin.errors import NotAuthenticated
from muntin.key_file import KeyFile
from muntin.key_rotation import count_values, encrypt_all_anew
from muntin.nodes.credentials import seal, token_of
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.settings import MailSettings, section
from muntin.settings.models import SettingRow
from muntin.testing.callers import Caller
from muntin.testing.fixtures import KEY

NEW = "a-new-key-for-tests-0123456789abcdef"
SETTINGS = "/api/v1/admin/settings"


def change_key(panel: Panel, key: str, previous: str | None = None) -> None:
    """Start over with other variables, as far as keys are concerned."""
    changes = {"secret_key": SecretStr(key), "secret_key_previous": SecretStr(previous) if previous else None}
    panel.configuration = panel.configuration.model_copy(update=changes)


async def make_secrets(admin: Caller) -> NodeRow:
    await admin.put(SETTINGS, {"mail.password": "mail-secret"})
    return await NodeRow.create(
        name="n", fqdn="n.test", memory_mib=1, disk_mib=1, token_id="id", token=seal("node-secret")
    )


async def test_rotation_encrypts_every_value_anew_and_the_old_key_is_not_needed_any_more(
    admin: Caller, panel: Panel
) -> None:
    node = await make_secrets(admin)
    change_key(panel, NEW, KEY)
    before = await count_values(panel_encryption())

    tally = await encrypt_all_anew(panel_encryption())

    change_key(panel, NEW)
    await panel.settings.reload()
    password = section(MailSettings).password
    assert before.waiting == tally.renewed == {"core_node.token": 1, "core_setting.values": 1}
    assert (tally.unreadable, (await encrypt_all_anew(panel_encryption())).renewed) == ({}, {})
    assert password is not None and password.get_secret_value() == "mail-secret"
    assert token_of(await NodeRow.get(id=node.id)) == "node-secret"


async def test_rotation_that_is_broken_off_leaves_everything_readable_and_goes_on(
    admin: Caller, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_secrets(admin)
    change_key(panel, NEW, KEY)
    done = 0

    async def dies(sql: str, values: Any = ()) -> int:
        nonlocal done
        if done:
            raise OperationalError("killed")
        done += 1
        return await execute(sql, values)

    with monkeypatch.context() as patch:
        patch.setattr(key_rotation, "execute", dies)
        with pytest.raises(OperationalError):
            await encrypt_all_anew(panel_encryption())
    half = await count_values(panel_encryption())
    await panel.settings.reload()
    password = section(MailSettings).password
    rest = await encrypt_all_anew(panel_encryption())

    assert (sum(half.current.values()), sum(half.waiting.values()), sum(rest.renewed.values())) == (1, 1, 1)
    assert password is not None and password.get_secret_value() == "mail-secret"
    assert token_of(await NodeRow.get(id=node.id)) == "node-secret"


async def test_value_that_is_changed_meanwhile_is_not_put_back(
    admin: Caller, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_secrets(admin)
    change_key(panel, NEW, KEY)

    async def late(sql: str, values: Any = ()) -> int:
        await NodeRow.filter(id=node.id).update(token=seal("newer-secret"))
        return await execute(sql, values)

    monkeypatch.setattr(key_rotation, "execute", late)
    await encrypt_all_anew(panel_encryption())

    assert token_of(await NodeRow.get(id=node.id)) == "newer-secret"


async def test_tables_of_plugins_that_are_not_loaded_are_encrypted_anew_too(panel: Panel) -> None:
    kinds = {"plain": "TEXT", "short": "VARCHAR(500)", "json": "JSON", "raw": "BLOB"}
    if "asyncpg" in panel.configuration.store_url:
        kinds |= {"json": "JSONB", "raw": "BYTEA"}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    await execute(f'CREATE TABLE "gone_thing" ({columns})')
    sealed = encrypt("deep", "gone")
    in_json = f'{{"list": ["{sealed}", "v2.none"], "text": "v2.abcdef01.short"}}'
    await execute('INSERT INTO "gone_thing" VALUES (?, ?, ?, ?)', [sealed, sealed, in_json, sealed.encode()])
    await execute('INSERT INTO "gone_thing" VALUES (?, ?, ?, ?)', ["v2.", "x", "{}", b"\xff\xfev2."])
    change_key(panel, NEW, KEY)

    tally = await encrypt_all_anew(panel_encryption())

    change_key(panel, NEW)
    [first] = await fetch_all('SELECT * FROM "gone_thing" WHERE short <> ?', ["x"])
    assert tally.renewed == {f"gone_thing.{name}": 1 for name in kinds}
    assert decrypt(first["plain"], "gone") == decrypt(first["short"], "gone") == "deep"
    assert decrypt(bytes(first["raw"]).decode(), "gone") == "deep"
    assert '"v2.abcdef01.short"' in str(first["json"]) and sealed not in str(first["json"])


async def test_value_of_a_lost_key_is_counted_and_left_alone(admin: Caller, panel: Panel) -> None:
    await make_secrets(admin)
    change_key(panel, NEW)

    tally = await encrypt_all_anew(panel_encryption())

    stored = (await SettingRow.get(section="mail")).values["password"]
    assert tally.unreadable == {"core_node.token": 1, "core_setting.values": 1}
    assert Encryption(KEY.encode()).decrypt(stored, "settings:mail.password") == "mail-secret"


def test_cipher_text_stays_bound_to_its_place_when_encrypted_anew() -> None:
    old, both = Encryption(b"old"), Encryption(b"new", b"old")

    renewed = both.encrypt_anew(old.encrypt("secret", "here"))

    assert Encryption(b"new").decrypt(renewed, "here") == "secret"
    assert both.is_current(renewed)
    with pytest.raises(CannotDecrypt):
        both.decrypt(renewed, "there")


async def test_sessions_survive_as_long_as_the_old_key_is_kept(admin: Caller, panel: Panel) -> None:
    change_key(panel, NEW, KEY)
    claims = read_access_token(admin.token or "")

    change_key(panel, NEW)

    assert claims.account_id == admin.account_id
    with pytest.raises(NotAuthenticated):
        read_access_token(admin.token or "")


def test_changed_key_file_holds_at_once_and_keeps_its_mode(tmp_path: Path) -> None:
    configuration = Configuration(data_dir=tmp_path, _env_file=None, secret_key_previous="oldest, ")
    first = configuration.key

    KeyFile(tmp_path / "secret.key").replace((b"new", first))

    assert configuration.keys == (b"new", first, b"oldest")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["secret.key"]


def test_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")

    with pytest.raises(ValueError, match="put the panel's secret back"):
        _ = Configuration(data_dir=tmp_path, _env_file=None).key
