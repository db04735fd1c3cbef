"""What forms answer, and what opens over pages; for the tour."""

from __future__ import annotations

from playwright.async_api import Page

from muntin.testing.pictures import Step
from muntin.testing.served import EMAIL

RESET = "/reset-password?token=x&email=a@example.org"
INVITATION = "/invitation?token=x&email=a@example.org"
REFUSED = "main [role=alert], .m-field-error, .m-notice-danger"


async def _sign_in_wrongly(page: Page) -> None:
    await page.fill("[name=email]", "ada")
    await page.fill("[name=password]", "not the password")
    await page.click("main button:has-text('Sign in')")
    await page.wait_for_selector(REFUSED)


async def _ask_for_a_link(page: Page) -> None:
    await page.fill("[name=email]", "nobody@example.org")
    await page.click("main button:has-text('Send the link')")
    await page.wait_for_selector("h1:not(:has-text('Forgot')), .m-notice")


async def _make_an_account_wrongly(page: Page) -> None:
    await page.fill("[name=email]", EMAIL)
    await page.fill("[name=username]", "admin")
    await page.click("main button:has-text('Make the account')")
    await page.wait_for_selector(REFUSED)


async def _make_a_role_wrongly(page: Page) -> None:
    await page.fill("[name=name]", "Admin")
    await page.click("main button:has-text('Make the role')")
    await page.wait_for_selector(REFUSED)


async def _open_a_menu(page: Page) -> None:
    await page.locator("tbody button[popovertarget]").first.click()


async def _open_the_account_menu(page: Page) -> None:
    await page.click(".m-account")


async def _show_the_keys(page: Page) -> None:
    await page.keyboard.press("?")
    await page.wait_for_selector("dialog[open]")


async def _set_the_password_wrongly(page: Page) -> None:
    await page.fill("[name=password]", "a long enough password")
    await page.click("main form button.btn-primary")
    await page.wait_for_selector(REFUSED)


async def _confirm_wrongly(page: Page) -> None:
    await page.click("main form button.btn-primary")
    await page.wait_for_load_state("load")


async def _register_wrongly(page: Page) -> None:
    await page.fill("[name=email]", EMAIL)
    await page.fill("[name=username]", "a b")
    await page.fill("[name=password]", "12345678")
    await page.click("main form button.btn-primary")
    await page.wait_for_selector(REFUSED)


async def _save_a_profile_wrongly(page: Page) -> None:
    await page.fill("[name=email]", "somebody-else@example.org")
    await page.click("main button:has-text('Save')")
    await page.wait_for_selector(REFUSED)


async def _change_the_password_wrongly(page: Page) -> None:
    for field in await page.locator("form[action='/account/security/password'] input[type=password]").all():
        await field.fill("a long enough password")
    await page.click("main button:has-text('Change the password')")
    await page.wait_for_selector(REFUSED)


async def _make_a_key(page: Page) -> None:
    await page.fill("[name=description]", "Backups of the website")
    await page.click("main button:has-text('Make the key')")
    await page.wait_for_selector("#api-key")


async def _make_a_key_wrongly(page: Page) -> None:
    await page.fill("[name=description]", "Backups")
    await page.fill("#f-allowed_ips-entry", "nonsense")
    await page.uncheck("[name=everything]")
    await page.click("main button:has-text('Make the key')")
    await page.wait_for_selector(REFUSED)


async def _make_a_node_wrongly(page: Page) -> None:
    await page.fill("[name=name]", "falkenstein-rack-1")
    await page.fill("[name=fqdn]", "no host")
    for name in ("memory", "disk"):
        await page.fill(f"[name={name}]", "1024")
    await page.click("main form button.btn-primary")
    await page.wait_for_selector(REFUSED)


async def _save_mail_wrongly(page: Page) -> None:
    await page.fill("[name=from_address]", "nobody@")
    await page.fill("[name=port]", "99999")
    await page.click("main form button.btn-primary")
    await page.wait_for_selector(REFUSED)


async def _upload_wrongly(page: Page) -> None:
    file = {"name": "nothing-1.0-py3-none-any.whl", "mimeType": "application/zip", "buffer": b"no wheel"}
    await page.set_input_files("#u-file", file)  # type: ignore[arg-type]  # a FilePayload
    await page.fill("#u-password", "wrong")
    await page.fill("#u-code", "123456")
    await page.click("main button:has-text('Install')")
    await page.wait_for_selector(REFUSED)


async def _choose_rows(page: Page) -> None:
    await page.locator("[data-select-row]").nth(1).check()
    await page.wait_for_selector("[data-bulk]:not([hidden])")


async def _open_a_dialog(page: Page) -> None:
    await page.locator("[data-opens]").first.click()
    await page.wait_for_selector("dialog[open]")


FORMS_OF_STRANGERS: tuple[tuple[str, str, Step], ...] = (
    ("sign-in refused", "/sign-in", _sign_in_wrongly),
    ("forgot-password sent", "/forgot-password", _ask_for_a_link),
    ("reset-password refused", RESET, _set_the_password_wrongly),
    ("invitation refused", INVITATION, _set_the_password_wrongly),
    ("verify-email refused", "/verify-email?token=x", _confirm_wrongly),
    ("register refused", "/register", _register_wrongly),
)
FORMS: tuple[tuple[str, str, Step], ...] = (
    ("accounts-new refused", "/admin/accounts/new", _make_an_account_wrongly),
    ("roles-new refused", "/admin/roles/new", _make_a_role_wrongly),
    ("nodes-new refused", "/admin/nodes/new", _make_a_node_wrongly),
    ("profile refused", "/account", _save_a_profile_wrongly),
    ("password refused", "/account/security", _change_the_password_wrongly),
    ("api-key refused", "/account/api-keys/new", _make_a_key_wrongly),
    ("api-key made", "/account/api-keys/new", _make_a_key),
    ("mail refused", "/admin/settings/mail", _save_mail_wrongly),
    ("upload refused", "/admin/plugins/install/upload", _upload_wrongly),
    ("rows chosen", "/admin/accounts", _choose_rows),
    ("dialog", "/admin/nodes/{node}/settings", _open_a_dialog),
    ("menu", "/admin/jobs", _open_a_menu),
    ("account-menu", "/admin", _open_the_account_menu),
    ("keys", "/", _show_the_keys),
)
