"""Signing in and out: password, second factor, provider."""

from __future__ import annotations

from urllib.parse import quote

from quart import Response
from werkzeug.http import dump_cookie

from muntin.access import Actor
from muntin.accounts import oidc, sessions, signing_in
from muntin.accounts.cookies import sign_in_cookie, sign_out_cookie
from muntin.accounts.errors import (
    AccountSuspended,
    ChallengeExpired,
    EmailNotVerified,
    InvalidCode,
    InvalidCredentials,
    OidcDisabled,
    OidcFailed,
    TokenInvalid,
)
from muntin.accounts.inputs import LoginInput
from muntin.accounts.schemas import Code, TwoFactorChallenge
from muntin.accounts.sessions import Device, OpenedSession
from muntin.call import Call
from muntin.errors import MuntinError
from muntin.pages import first_steps, forms
from muntin.pages.answers import Page, Redirect, is_local
from muntin.pages.submitting import Done, Problems, problems, submit, typed
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.schemas import Input
from muntin.settings.sections import OidcSettings, SecuritySettings
from muntin.translation import _

routes = Routes(dialect="pages", tags=("sign-in",))
CHALLENGE_COOKIE = "muntin-challenge"
OIDC_COOKIE = "muntin-oidc"
_SHOWN = (InvalidCredentials, InvalidCode, AccountSuspended, EmailNotVerified, OidcFailed, OidcDisabled)


class CodeForm(Input):
    """The second step."""

    code: Code


def local_path(path: str) -> str:
    """Where to go after signing in: a page of this panel, else the start."""
    return path if path and is_local(path) else "/"


def browser(call: Call, *, remember: bool = False) -> Device:
    """What somebody signs in with."""
    return Device(kind="web", user_agent=call.user_agent, remember=remember)


@routes.get("/sign-in", service=signing_in.sign_in)
async def show_sign_in(actor: Actor, call: Call) -> Page | Redirect:
    """The form; whoever is signed in goes on."""
    wanted = local_path(call.request.args.get("next", ""))
    return Redirect(wanted) if actor.account_id else _sign_in_page(wanted, Problems())


@routes.post("/sign-in", service=signing_in.sign_in)
async def sign_in(actor: Actor, call: Call) -> Page | Redirect:
    """Sign in with a password."""
    sent = await typed(call)
    wanted = local_path(str(sent.get("next", "")))
    remember = sent.get("remember") == "true"
    values = {"email": sent.get("email", ""), "password": sent.get("password", ""), "remember": remember}
    done = await submit(
        call,
        LoginInput,
        lambda form: signing_in.sign_in(
            actor, login=form.email, password=form.password, device=browser(call, remember=form.remember)
        ),
        values=values,
        shown=_SHOWN,
    )
    return await _signed_in(call, done.value, wanted) if isinstance(done, Done) else _sign_in_page(wanted, done)


@routes.get("/sign-in/code", service=signing_in.answer_challenge)
async def show_code(actor: Actor, call: Call) -> Page | Redirect:
    """The second step; without a first one there is none."""
    wanted = local_path(call.request.args.get("next", ""))
    if CHALLENGE_COOKIE not in call.request.cookies:
        return _begin_again(wanted)
    return _code_page(wanted, Problems())


@routes.post("/sign-in/code", service=signing_in.answer_challenge)
async def send_code(actor: Actor, call: Call) -> Page | Redirect:
    """Sign in with a code of the app, or a recovery code."""
    sent = await typed(call)
    wanted = local_path(str(sent.get("next", "")))
    token = call.request.cookies.get(CHALLENGE_COOKIE, "")
    try:
        done = await submit(
            call,
            CodeForm,
            lambda form: signing_in.answer_challenge(
                actor, challenge_token=token, code=form.code.strip(), device=browser(call)
            ),
            values={"code": sent.get("code", "")},
            shown=_SHOWN,
        )
    except ChallengeExpired:
        return _begin_again(wanted)
    return await _signed_in(call, done.value, wanted) if isinstance(done, Done) else _code_page(wanted, done)


@routes.get("/sign-in/oidc", service=oidc.begin_oidc)
async def begin_oidc(actor: Actor, call: Call) -> Page | Response:
    """Go on at the provider."""
    wanted = local_path(call.request.args.get("next", ""))
    try:
        begun = await oidc.begin_oidc(actor, next_path=wanted)
    except MuntinError as error:
        return _sign_in_page(wanted, problems(error, {}, {}))
    _keep(call, OIDC_COOKIE, begun.browser_secret, int(oidc.SIGN_IN_WITHIN.total_seconds()))
    return _elsewhere(begun.url)


@routes.get("/sign-in/oidc/callback", service=oidc.finish_oidc)
async def finish_oidc(actor: Actor, call: Call) -> Page | Redirect:
    """Come back from the provider."""
    args = call.request.args
    if "error" in args:
        return _sign_in_page("/", Problems(general=(_refusal(args["error"]),)))
    try:
        finished = await oidc.finish_oidc(
            actor,
            state=args.get("state", ""),
            code=args.get("code", ""),
            browser_secret=call.request.cookies.get(OIDC_COOKIE, ""),
            device=browser(call),
        )
    except TokenInvalid:
        text = _("This sign-in was finished before, took too long, or began in another browser. Please begin again.")
        return Redirect("/sign-in", notice=text, kind="warning")
    except MuntinError as error:
        return _sign_in_page("/", problems(error, {}, {}))
    return await _signed_in(call, finished.outcome, local_path(finished.next_path))


def _refusal(code: str) -> str:
    """What a provider says by an error code (RFC 6749 section 4.1.2.1), in words."""
    if code == "access_denied":
        return _("You did not go on at the provider. Try again, or sign in with your password.")
    if code in ("server_error", "temporarily_unavailable"):
        return _("The provider has a problem at the moment. Try again later, or sign in with your password.")
    return _("The provider did not accept the request of this panel; its administrator has to look into it.")


@routes.post("/sign-out", service=sessions.sign_out)
async def sign_out(actor: Actor, call: Call) -> Redirect:
    """End this session."""
    if actor.account_id:
        await sessions.sign_out(actor)
    sign_out_cookie(call)
    return Redirect("/sign-in")


async def _signed_in(call: Call, outcome: OpenedSession | TwoFactorChallenge, wanted: str) -> Redirect:
    if isinstance(outcome, TwoFactorChallenge):
        _keep(call, CHALLENGE_COOKIE, outcome.challenge_token, outcome.expires_in)
        return Redirect(_with_next("/sign-in/code", wanted))
    sign_in_cookie(call, outcome)
    if wanted == "/" and await first_steps.are_due_for(outcome.account_id):
        return Redirect("/setup")
    return Redirect(wanted)


def _begin_again(wanted: str) -> Redirect:
    return Redirect(
        _with_next("/sign-in", wanted), notice=_("This took too long; please sign in again."), kind="warning"
    )


def _with_next(path: str, wanted: str) -> str:
    return path if wanted == "/" else f"{path}?next={quote(wanted, safe='')}"


def _keep(call: Call, name: str, value: str, max_age_s: int) -> None:
    """A cookie for the pages of signing in only."""
    call.response_headers["Set-Cookie"] = dump_cookie(
        name, value, max_age=max_age_s, path="/sign-in", secure=call.secure, httponly=True, samesite="Lax"
    )


def _elsewhere(url: str) -> Response:
    """The one redirect that leaves the panel: to the provider that the administrators set."""
    return Response(b"", status=303, headers={"Location": url, "Cache-Control": "no-store"})


def _sign_in_page(wanted: str, found: Problems) -> Page:
    provider, rules = panel().settings.section(OidcSettings), panel().settings.section(SecuritySettings)
    fields = forms.fields(
        LoginInput,
        {name: value for name, value in found.typed.items() if name == "email"},
        errors=found.fields,
        without=("remember",),
        more={
            "email": {"label": _("E-mail or username"), "autocomplete": "username", "autofocus": True, "max": 255},
            "password": {"kind": "password", "autocomplete": "current-password"},
        },
    )
    fields.append({"name": "next", "kind": "hidden", "value": wanted})
    fields.append(
        {"name": "remember", "kind": "switch", "label": _("Stay signed in"), "value": "remember" in found.typed}
    )
    values = {
        "fields": fields,
        "problems": found,
        "provider": provider.label if provider.enabled and provider.issuer and provider.client_id else "",
        "provider_path": _with_next("/sign-in/oidc", wanted),
        "registration": rules.registration_enabled,
    }
    return Page("core/sign-in/password.html", values, title=_("Sign in"), status=found.status)


def _code_page(wanted: str, found: Problems) -> Page:
    more = {
        "code": {
            "label": _("Code"),
            "help": _("Six digits from your authenticator app, or one of your recovery codes."),
            "autocomplete": "one-time-code",
            "autofocus": True,
        }
    }
    fields = forms.fields(CodeForm, errors=found.fields, more=more)
    fields.append({"name": "next", "kind": "hidden", "value": wanted})
    return Page(
        "core/sign-in/code.html", {"fields": fields, "problems": found}, title=_("Two-factor authentication"),
        status=found.status,
    )  # fmt: skip
