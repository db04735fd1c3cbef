"""Coming in for the first time, or again: registration, invitation, forgotten password, confirmed address."""

from __future__ import annotations

from muntin.access import Actor
from muntin.accounts import recovery, registration
from muntin.accounts.cookies import sign_in_cookie
from muntin.accounts.errors import RegistrationDisabled, TokenInvalid
from muntin.accounts.inputs import EmailInput, RegisterInput, ResetInput
from muntin.accounts.profile import shortest_password
from muntin.accounts.schemas import RegisteredUnverified
from muntin.accounts.signing_in import sign_in
from muntin.call import Call
from muntin.pages import forms
from muntin.pages.answers import Page, Redirect
from muntin.pages.signing_in import browser
from muntin.pages.submitting import Done, Problems, submit, typed
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.settings.sections import GeneralSettings, SecuritySettings
from muntin.translation import _

routes = Routes(dialect="pages", tags=("sign-in",))


@routes.get("/register", service=registration.register)
async def show_register(actor: Actor) -> Page | Redirect:
    """The form, where anybody may make an account."""
    if actor.account_id:
        return Redirect("/")
    if not panel().settings.section(SecuritySettings).registration_enabled:
        raise RegistrationDisabled
    return _register_page(Problems())


@routes.post("/register", service=registration.register)
async def register(actor: Actor, call: Call) -> Page | Redirect:
    """Make an account; its person is signed in, or has to confirm the address first."""
    done = await submit(call, RegisterInput, lambda form: _register(actor, call, form))
    if not isinstance(done, Done):
        return _register_page(done)
    return done.value


async def _register(actor: Actor, call: Call, form: RegisterInput) -> Page | Redirect:
    made = await registration.register(actor, **form.model_dump(), device=browser(call))
    if isinstance(made, RegisteredUnverified):
        return _said(_("Confirm your address"), _("We sent a link to {email}. Follow it to begin.", email=form.email))
    opened = await sign_in(actor, login=form.email, password=form.password, device=browser(call))
    sign_in_cookie(call, opened)  # type: ignore[arg-type]  # a new account has no second factor
    return Redirect("/", notice=_("Welcome."))


@routes.get("/forgot-password", service=recovery.request_password_reset)
async def show_forgot(actor: Actor) -> Page:
    """The form that asks for a link."""
    return _forgot_page(Problems())


@routes.post("/forgot-password", service=recovery.request_password_reset)
async def forgot(actor: Actor, call: Call) -> Page:
    """Send the link; the answer is the same whether or not there is such an account."""
    done = await submit(call, EmailInput, lambda form: recovery.request_password_reset(actor, email=form.email))
    if not isinstance(done, Done):
        return _forgot_page(done)
    text = _("If there is an account with this address, a link to set a new password is on its way to it.")
    return _said(_("Look into your mail"), text)


@routes.get("/reset-password", service=recovery.reset_password)
async def show_reset(actor: Actor, call: Call) -> Page:
    """The form behind the link of a mail."""
    return _reset_page(call, Problems())


@routes.post("/reset-password", service=recovery.reset_password)
async def reset(actor: Actor, call: Call) -> Page | Redirect:
    """Set the password; every session of the account ends."""
    done = await submit(call, ResetInput, lambda form: recovery.reset_password(actor, **form.model_dump()))
    if isinstance(done, Done):
        return Redirect("/sign-in", notice=_("Your password is set. Sign in with it."))
    return _reset_page(call, done)


@routes.get("/invitation", service=recovery.reset_password)
async def show_invitation(actor: Actor, call: Call) -> Page:
    """The form behind the link of an invitation."""
    return _invitation_page(call, Problems())


@routes.post("/invitation", service=recovery.reset_password)
async def accept_invitation(actor: Actor, call: Call) -> Page | Redirect:
    """Choose the first password, which opens the account."""
    done = await submit(call, ResetInput, lambda form: recovery.reset_password(actor, **form.model_dump()))
    if isinstance(done, Done):
        return Redirect("/sign-in", notice=_("Welcome. Your account is ready: sign in with your password."))
    return _invitation_page(call, done)


@routes.get("/verify-email", service=recovery.verify_email)
async def show_verify(actor: Actor, call: Call) -> Page:
    """One button: a link alone changes nothing, since mail programs open links too."""
    fields = [{"name": "token", "kind": "hidden", "value": call.request.args.get("token", "")}]
    return Page("core/sign-in/verify.html", {"fields": fields}, title=_("Confirm your address"))


@routes.post("/verify-email", service=recovery.verify_email)
async def verify(actor: Actor, call: Call) -> Page | Redirect:
    """Confirm the address."""
    token = str((await typed(call)).get("token", ""))
    try:
        await recovery.verify_email(actor, token=token)
    except TokenInvalid as error:
        return _said(_("This did not work"), error.message, status=422)
    return Redirect("/" if actor.account_id else "/sign-in", notice=_("Your address is confirmed."))


@routes.post("/verify-email/again", service=recovery.resend_verification)
async def resend(actor: Actor, call: Call) -> Page:
    """Send the link once more."""
    done = await submit(call, EmailInput, lambda form: recovery.resend_verification(actor, email=form.email))
    if not isinstance(done, Done):
        return _forgot_page(done)
    return _said(_("Look into your mail"), _("If this address has to be confirmed, a new link is on its way to it."))


def _register_page(found: Problems) -> Page:
    shown = {name: value for name, value in found.typed.items() if name != "password"}
    more: dict[str, forms.Field] = {
        "email": {"label": _("E-mail"), "autocomplete": "email", "autofocus": True},
        "username": {"autocomplete": "username", "help": _("Letters, digits, dots, dashes and underscores.")},
        "password": _new_password(),
        "first_name": {"autocomplete": "given-name"},
        "last_name": {"autocomplete": "family-name"},
    }
    fields = forms.fields(RegisterInput, shown, errors=found.fields, more=more)
    return Page("core/sign-in/register.html", {"fields": fields, "problems": found}, title=_("Make an account"),
                status=found.status)  # fmt: skip


def _forgot_page(found: Problems) -> Page:
    more = {"email": {"label": _("E-mail"), "autocomplete": "email", "autofocus": True}}
    fields = forms.fields(EmailInput, found.typed, errors=found.fields, more=more)
    return Page("core/sign-in/forgot.html", {"fields": fields, "problems": found}, title=_("Forgot your password?"),
                status=found.status)  # fmt: skip


def _reset_page(call: Call, found: Problems) -> Page:
    values = {"fields": _password_fields(call, found), "problems": found}
    return Page("core/sign-in/reset.html", values, title=_("Set a new password"), status=found.status)


def _invitation_page(call: Call, found: Problems) -> Page:
    brand = panel().settings.section(GeneralSettings).name
    values = {"fields": _password_fields(call, found), "problems": found}
    title = _("Welcome to {name}", name=brand)
    return Page("core/sign-in/invitation.html", values, title=title, status=found.status)


def _password_fields(call: Call, found: Problems) -> list[forms.Field]:
    kept = {**call.request.args, **{name: value for name, value in found.typed.items() if name != "password"}}
    more: dict[str, forms.Field] = {
        "token": {"kind": "hidden"},
        "email": {"label": _("E-mail"), "readonly": True, "autocomplete": "username"},
        "password": _new_password() | {"autofocus": True},
    }
    return forms.fields(ResetInput, kept, errors=found.fields, more=more)


def _new_password() -> forms.Field:
    rule = _("At least {count} characters.", count=shortest_password())
    return {"kind": "password", "autocomplete": "new-password", "min": shortest_password(), "help": rule}


def _said(title: str, text: str, *, status: int = 200) -> Page:
    return Page("core/sign-in/said.html", {"text": text}, title=title, status=status)
