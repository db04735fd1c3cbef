"""The first set-up: who administers, where the panel is, what it runs on; each step can be left out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints

from muntin.access import Actor
from muntin.accounts import profile
from muntin.accounts.schemas import Account, Email, Password, Username
from muntin.call import Call
from muntin.docker import docker_answers
from muntin.nodes.schemas import NodeQuery
from muntin.nodes.service import list_nodes
from muntin.pages import first_steps, forms
from muntin.pages.answers import Page, Redirect
from muntin.pages.first_steps import FINISHED, STEPS
from muntin.pages.slots import contents, slot
from muntin.pages.submitting import Done, Problems, submit
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.schemas import Input, Line, Name
from muntin.settings.sections import GeneralSettings
from muntin.settings.service import change_settings
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/setup", tags=("setup",))


class AdministratorForm(Input):
    """The administrator's own account."""

    email: Email
    username: Username
    new_password: Password | None = None
    current_password: Password | None = None


class AddressForm(Input):
    """How the panel is called and where it is."""

    name: Name
    url: Annotated[Line, StringConstraints(max_length=255)] = ""


@routes.get("", service=first_steps.load_progress)
async def show_setup(actor: Actor) -> Redirect:
    """Go on where it was left."""
    done = await first_steps.load_progress(actor)
    return Redirect(f"/setup/{STEPS[done if done < len(STEPS) else 0]}")


@routes.get("/administrator", service=first_steps.load_progress)
async def show_administrator(actor: Actor, call: Call) -> Page:
    """First step: the own account."""
    return await _administrator(actor, call, Problems())


@routes.post("/administrator", service=first_steps.save_progress)
async def save_administrator(actor: Actor, call: Call) -> Page | Redirect:
    """Change the own account."""
    done = await submit(call, AdministratorForm, lambda form: _change_account(actor, form))
    return await _next(actor, "administrator") if isinstance(done, Done) else await _administrator(actor, call, done)


async def _change_account(actor: Actor, form: AdministratorForm) -> Account:
    changes = {"email": form.email, "username": form.username}
    changed = await profile.update_account(actor, changes=changes, current_password=form.current_password)
    if form.new_password:
        current = form.current_password or ""
        await profile.change_password(actor, current_password=current, password=form.new_password)
    return changed


@routes.get("/address", service=first_steps.load_progress)
async def show_address(actor: Actor, call: Call) -> Page:
    """Second step: name and address of the panel."""
    return await _address(actor, call, Problems())


@routes.post("/address", service=change_settings)
async def save_address(actor: Actor, call: Call) -> Page | Redirect:
    """Save name and address."""
    done = await submit(call, AddressForm, lambda form: _save_general(actor, form))
    return await _next(actor, "address") if isinstance(done, Done) else await _address(actor, call, done)


async def _save_general(actor: Actor, form: AddressForm) -> None:
    fixed = panel().settings.overridden("general")
    changes = {name: value for name, value in form.model_dump().items() if name not in fixed}
    if changes:
        await change_settings(actor, changes={"general": changes})


@routes.get("/node", service=first_steps.load_progress)
async def show_node(actor: Actor, call: Call) -> Page:
    """Third step: what the panel runs things on."""
    nodes = (await list_nodes(actor, NodeQuery(per_page=100))).items if actor.may("admin.nodes.list") else ()
    return await _page(actor, call, "node", {"nodes": nodes, "docker": docker_answers()})


@routes.get("/more", service=first_steps.load_progress)
async def show_more(actor: Actor, call: Call) -> Page:
    """Last step: what the plugins ask for."""
    return await _page(actor, call, "more", {"contents": await slot(call, "setup.steps")})


@routes.post("/skip", service=first_steps.save_progress)
async def skip(actor: Actor) -> Redirect:
    """Leave the rest out, or be done."""
    await first_steps.save_progress(actor, FINISHED)
    return Redirect("/", notice=_("The panel is ready."))


@routes.post("/node", service=first_steps.save_progress)
async def pass_node(actor: Actor) -> Redirect:
    """Go on."""
    return await _next(actor, "node")


async def _administrator(actor: Actor, call: Call, found: Problems) -> Page:
    account = await profile.load_account(actor)
    known = {"email": account.email, "username": account.username, **found.typed}
    secret = {"new_password": None, "current_password": None}
    more = {
        "email": {"label": _("E-mail"), "autocomplete": "email"},
        "username": {"autocomplete": "username"},
        "new_password": {"kind": "password", "autocomplete": "new-password",
                         "help": _("Leave it empty to keep the password you signed in with.")},
        "current_password": {"kind": "password", "autocomplete": "current-password",
                             "help": _("Needed to change the address or the password.")},
    }  # fmt: skip
    fields = forms.fields(AdministratorForm, known | secret, errors=found.fields, more=more)
    return await _page(actor, call, "administrator", {"fields": fields, "problems": found})


async def _address(actor: Actor, call: Call, found: Problems) -> Page:
    general = panel().settings.section(GeneralSettings)
    known = {"name": general.name, "url": general.url or panel().configuration.public_url, **found.typed}
    fixed = panel().settings.overridden("general")
    more: dict[str, forms.Field] = {
        "name": {"help": _("Shown in titles and in mails.")},
        "url": {
            "label": _("Address"),
            "kind": "url",
            "help": _("Where people reach the panel; used in links in mails."),
        },
    }
    for name, override in fixed.items():
        if name in more:
            more[name] |= {"readonly": True, "help": _("{name} decides this.", name=override.variable)}
    fields = forms.fields(AddressForm, known, errors=found.fields, more=more)
    return await _page(actor, call, "address", {"fields": fields, "problems": found})


async def _next(actor: Actor, step: str) -> Redirect:
    following = STEPS.index(step) + 1
    await first_steps.save_progress(actor, following)
    return Redirect(f"/setup/{STEPS[following]}")


async def _page(actor: Actor, call: Call, step: str, values: dict[str, Any]) -> Page:
    labels = {
        "administrator": _("Administrator"),
        "address": _("Address"),
        "node": _("Machine"),
        "more": _("First server") if contents(call, "setup.steps") else _("Finish"),
    }
    done = await first_steps.load_progress(actor)
    steps = [
        {"label": labels[one], "path": f"/setup/{one}", "current": one == step, "done": index < done}
        for index, one in enumerate(STEPS)
    ]
    found = values.get("problems", Problems())
    shown = {"steps": steps, "step": step, "number": STEPS.index(step) + 1, "wide": True, "problems": found, **values}
    return Page(f"core/setup/{step}.html", shown, title=_("Set up the panel"), status=found.status)
