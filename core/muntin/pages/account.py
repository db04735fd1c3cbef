"""One's own account: profile, password, second factor, sessions, activity, and tabs of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.accounts import activity, profile, sessions, two_factor
from muntin.accounts.errors import WrongCode
from muntin.accounts.inputs import AccountInput, CodeInput, ConfirmInput, DisableInput, PasswordInput
from muntin.accounts.profile import shortest_password
from muntin.audit import by_whom, known_words, sentence
from muntin.audit.service import AuditQuery
from muntin.call import Call
from muntin.errors import NotFound
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.programs import program_name
from muntin.pages.qr import as_picture
from muntin.pages.rows import row
from muntin.pages.slots import contents, key_of, one_of_slot
from muntin.pages.submitting import Done, Problems, attempt, submit
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/account", tags=("account",))


def account_page(call: Call, name: str, title: str, values: Mapping[str, Any], *, status: int = 200) -> Page:
    """One of the pages of the account, with the tabs of all."""
    shown = {"tabs": account_tabs(call), **values}
    crumbs = (Crumb(label=_("Account"), path="/account"), Crumb(label=title))
    return Page(f"core/account/{name}.html", shown, title=title, crumbs=crumbs, status=status)


def account_tabs(call: Call) -> list[dict[str, Any]]:
    """Own tabs, then those of plugins."""
    own = [
        (_("Profile"), "/account", "user-circle", "account.read"),
        (_("Security"), "/account/security", "shield-lock", "account.two-factor"),
        (_("API keys"), "/account/api-keys", "key", "account.api-keys"),
        (_("SSH keys"), "/account/ssh-keys", "terminal-2", "account.ssh-keys"),
        (_("Activity"), "/account/activity", "history", "account.read"),
    ]
    tabs = [{"label": label, "path": path, "icon": icon} for label, path, icon, key in own if call.actor.may(key)]
    tabs += [
        {"label": owned.value.title, "path": f"/account/tabs/{key_of(owned)}", "icon": "puzzle"}
        for owned in contents(call, "account.tabs")
    ]
    here = call.request.path
    current = max((one["path"] for one in tabs if here == one["path"] or here.startswith(f"{one['path']}/")), key=len)
    return [{**one, "current": one["path"] == current} for one in tabs]


@routes.get("", service=profile.load_account)
async def show_profile(actor: Actor, call: Call) -> Page:
    """Name, address, language, time zone."""
    return await _profile(actor, call, Problems())


@routes.post("", service=profile.update_account)
async def save_profile(actor: Actor, call: Call) -> Page | Redirect:
    """Change the profile."""
    done = await submit(call, AccountInput, lambda form: _update(actor, form))
    return Redirect("/account", notice="saved") if isinstance(done, Done) else await _profile(actor, call, done)


async def _update(actor: Actor, form: AccountInput) -> None:
    changes = form.model_dump(exclude_unset=True, exclude={"current_password"})
    await profile.update_account(actor, changes=changes, current_password=form.current_password)


async def _profile(actor: Actor, call: Call, found: Problems) -> Page:
    account = await profile.load_account(actor)
    known = {name: getattr(account, name, None) for name in AccountInput.model_fields} | dict(found.typed)
    more: dict[str, forms.Field] = {
        "email": {"label": _("E-mail"), "kind": "email", "required": True, "autocomplete": "email"},
        "username": {"required": True, "autocomplete": "username"},
        "first_name": {"autocomplete": "given-name"},
        "last_name": {"autocomplete": "family-name"},
        "language": {"kind": "select", "options": forms.languages(account.language), "required": True, "short": True},
        "timezone": {"label": _("Time zone"), "required": True, "suggestions": forms.time_zones()},
        "current_password": {
            "kind": "password",
            "autocomplete": "current-password",
            "help": _("Needed to change the e-mail address."),
        },
    }
    known["current_password"] = None
    fields = forms.fields(AccountInput, known, errors=found.fields, more=more, without=forms.without_choice())
    values = {"account_shown": account, "fields": fields, "problems": found}
    return account_page(call, "profile", _("Profile"), values, status=found.status)


@routes.get("/security", service=two_factor.load_two_factor)
async def show_security(actor: Actor, call: Call) -> Page:
    """Password, second factor, sessions."""
    return await _security(actor, call, {})


@routes.post("/security/password", service=profile.change_password)
async def change_password(actor: Actor, call: Call) -> Page | Redirect:
    """Set a new password; every other session ends."""
    done = await submit(call, PasswordInput, lambda form: profile.change_password(actor, **form.model_dump()))
    if isinstance(done, Done):
        return Redirect("/account/security", notice=_("Your password was changed. Your other sessions ended."))
    return await _security(actor, call, {"password": done})


@routes.post("/security/two-factor", service=two_factor.set_up_two_factor)
async def begin_two_factor(actor: Actor, call: Call) -> Page:
    """Show the secret for the app; nothing is on before a code of it came back."""
    done = await submit(call, ConfirmInput, lambda form: two_factor.set_up_two_factor(actor, password=form.password))
    if not isinstance(done, Done):
        return await _security(actor, call, {"two_factor": done})
    setup = done.value
    return _confirm_page(call, setup.secret, as_picture(setup.qr_svg), setup.otpauth_url, Problems())


@routes.post("/security/two-factor/enable", service=two_factor.enable_two_factor)
async def enable_two_factor(actor: Actor, call: Call) -> Page:
    """Switch the second factor on, and show the recovery codes, once."""
    done = await submit(
        call, CodeInput, lambda form: two_factor.enable_two_factor(actor, code=form.code), shown=(WrongCode,)
    )
    if not isinstance(done, Done):
        return _confirm_page(call, "", "", "", done)
    return _codes_page(call, done.value.backup_codes)


@routes.post("/security/two-factor/disable", service=two_factor.disable_two_factor)
async def disable_two_factor(actor: Actor, call: Call) -> Page | Redirect:
    """Switch it off, with both factors."""
    done = await submit(
        call, DisableInput, lambda form: two_factor.disable_two_factor(actor, password=form.password, code=form.code)
    )
    if isinstance(done, Done):
        return Redirect("/account/security", notice=_("Two-factor authentication is off."))
    return await _security(actor, call, {"disable": done})


@routes.post("/security/two-factor/codes", service=two_factor.renew_backup_codes)
async def renew_codes(actor: Actor, call: Call) -> Page:
    """Fresh recovery codes; the earlier ones stop working."""
    done = await submit(call, ConfirmInput, lambda form: two_factor.renew_backup_codes(actor, password=form.password))
    if isinstance(done, Done):
        return _codes_page(call, done.value.backup_codes)
    return await _security(actor, call, {"codes": done})


@routes.post("/security/sessions/<uuid:session_id>/end", service=sessions.end_session)
async def end_session(actor: Actor, session_id: UUID) -> Redirect:
    """Sign out somewhere else."""
    ended = sessions.end_session(actor, session_id)
    return await attempt(ended, back="/account/security", notice=_("The session ended."))


@routes.post("/security/sessions/end-others", service=sessions.end_other_sessions)
async def end_other_sessions(actor: Actor) -> Redirect:
    """Sign out everywhere else."""
    ended = sessions.end_other_sessions(actor)
    return await attempt(ended, back="/account/security", notice=_("All other sessions ended."))


@routes.get("/activity", query=AuditQuery, service=activity.list_activity)
async def show_activity(actor: Actor, call: Call, query: AuditQuery) -> Page:
    """What happened to the account."""
    page = await activity.list_activity(actor, query)
    words = known_words()
    rows = [row(one, words=sentence(one, words), by=by_whom(one)) for one in page.items]
    values = {"rows": rows, "view": view(call, page, sort="-created_at")}
    return account_page(call, "activity", _("Activity"), values)


@routes.get("/tabs/<string:key>", service=profile.load_account)
async def show_tab(actor: Actor, call: Call, key: str) -> Page:
    """What a plugin shows of the account."""
    content = await one_of_slot(call, "account.tabs", key)
    if content is None:
        raise NotFound
    return account_page(call, "tab", content.title, {"content": content})


async def _security(actor: Actor, call: Call, found: Mapping[str, Problems]) -> Page:
    """All cards; `found` holds the problems of the form that was sent."""
    state = await two_factor.load_two_factor(actor)
    listed = () if actor.must_enrol else (await sessions.list_sessions(actor, PageQuery(per_page=50))).items
    values = {
        "two_factor": state,
        "sessions": [row(one, program=program_name(one.user_agent)) for one in listed],
        "must_enrol": actor.must_enrol,
        "found": {name: found.get(name, Problems()) for name in ("password", "two_factor", "disable", "codes")},
        **_security_fields(found),
    }
    status = max((one.status for one in found.values()), default=200)
    return account_page(call, "security", _("Security"), values, status=status)


def _security_fields(found: Mapping[str, Problems]) -> dict[str, list[forms.Field]]:
    current = {"kind": "password", "autocomplete": "current-password"}
    fresh = {"kind": "password", "autocomplete": "new-password", "required": True}
    asked = {"password": {**current, "label": _("Current password")}}
    code = {"code": {"autocomplete": "one-time-code", "help": _("From your app, or a recovery code."), "short": True}}

    def errors(name: str) -> Mapping[str, Any]:
        return found[name].fields if name in found else {}

    rule = _("At least {count} characters.", count=shortest_password())
    password = {
        "current_password": {**current, "required": True},
        "password": {**fresh, "label": _("New password"), "help": rule},
        "password_confirmation": {**fresh, "label": _("New password again")},
    }
    return {
        "password_fields": forms.fields(PasswordInput, errors=errors("password"), more=password),
        "two_factor_fields": forms.fields(ConfirmInput, errors=errors("two_factor"), more=asked),
        "disable_fields": forms.fields(DisableInput, errors=errors("disable"), more=asked | code),
        "codes_fields": forms.fields(ConfirmInput, errors=errors("codes"), more=asked),
    }


def _confirm_page(call: Call, secret: str, picture: str, url: str, found: Problems) -> Page:
    more = {
        "code": {
            "label": _("Code"),
            "help": _("The six digits that the app shows now."),
            "autocomplete": "one-time-code",
            "autofocus": True,
            "short": True,
        }
    }
    fields = forms.fields(CodeInput, errors=found.fields, more=more)
    values = {"secret": secret, "picture": picture, "url": url, "fields": fields, "problems": found}
    return account_page(call, "two_factor", _("Set up two-factor authentication"), values, status=found.status)


def _codes_page(call: Call, codes: tuple[str, ...]) -> Page:
    return account_page(call, "codes", _("Recovery codes"), {"codes": codes})
