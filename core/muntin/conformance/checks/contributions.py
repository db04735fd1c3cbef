"""Names and references of contributions."""

from __future__ import annotations

from collections.abc import Iterator

from muntin.conformance.checks.manifest import static_of
from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded, models_of
from muntin.contributions import (
    Cron,
    MailTemplate,
    Models,
    NavItem,
    NodeHalfNeeded,
    Permission,
    Route,
    Saga,
    SettingsModel,
    Slot,
    SlotContent,
    Task,
)
from muntin.plugins.manifest_file import FILE_NAME

NAMES_RULE = Rule(
    "name-foreign",
    "error",
    "Names without the plugin's own in front clash with other plugins', now or after the next installation.",
    "Begin the name with the plugin's: `notes.tidy`, `notes`, `notes.cards`.",
)
PERMISSION_NAME_RULE = Rule(
    "permission-name",
    "warning",
    "Two plugins that name a permission alike cannot be installed together.",
    "Begin the key with the plugin's name: `notes.write`.",
)
PERMISSION_RULE = Rule(
    "permission-unknown",
    "error",
    "Nobody can be given a permission that no plugin declares; only administrators get there.",
    "Declare it in muntin_permissions, or correct its spelling.",
)
UNUSED_RULE = Rule(
    "permission-unused",
    "warning",
    "Administrators would hand out something that opens nothing.",
    "Guard a service with it, or remove it.",
)
SLOT_RULE = Rule(
    "slot-unknown",
    "error",
    "What is meant for a slot that does not exist is shown nowhere.",
    "Take a slot of docs/page-handlers.md or of the other plugin's documentation.",
)
NAV_RULE = Rule(
    "nav-dead-link",
    "error",
    "The entry of the side bar leads to a page that does not exist.",
    "Let `path` be the path of one of the plugin's pages.",
)
HALF_RULE = Rule(
    "node-half-missing",
    "error",
    "The panel asks nodes for a half that no wheel brings.",
    'Offer it in pyproject.toml under [project.entry-points."muntin.node"], with the same name.',
)
CAPABILITY_RULE = Rule(
    "manifest-capabilities",
    "error",
    "Operators are asked to agree to what the plugin says of itself; what it does beyond that, they never saw.",
    "Declare tables, secrets and node code under [capabilities] in muntin-plugin.toml; nothing that is not there.",
)
PREFIXED = (Task, Saga, Cron, MailTemplate, Slot)


def check(loaded: Loaded) -> Iterator[Finding]:
    """Everything that has a name or names something."""
    yield from _names(loaded)
    yield from _permissions(loaded)
    yield from _references(loaded)
    yield from _capabilities(loaded)


def _names(loaded: Loaded) -> Iterator[Finding]:
    for kind in PREFIXED:
        for one in [found for found in loaded.plugin.contributions if isinstance(found, kind)]:
            if one.name.split(".")[0] != loaded.name:
                yield NAMES_RULE.at(f"{kind.__name__} {one.name}", f"The name does not begin with {loaded.name!r}.")
    for section in loaded.of(SettingsModel):
        if section.section.split(".")[0].split("_")[0] != loaded.name and section.section != loaded.name:
            yield NAMES_RULE.at(f"settings {section.section}", f"The section is not called {loaded.name!r}.")
    for models in loaded.of(Models):
        if models.label != loaded.name:
            yield NAMES_RULE.at(f"tables {models.label}", f"The label is not the plugin's name {loaded.name!r}.")
    foreign = [one.key for one in loaded.of(Permission) if one.key.removeprefix("admin.").split(".")[0] != loaded.name]
    if foreign:
        shown = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
        yield PERMISSION_NAME_RULE.at("muntin_permissions", f"Not named after the plugin: {shown}.")


def _permissions(loaded: Loaded) -> Iterator[Finding]:
    known = {one.key for one in loaded.known(Permission)}
    used: set[str] = set()
    for where, key in _needed(loaded):
        used.add(key)
        if key not in known:
            yield PERMISSION_RULE.at(where, f"Nobody declares the permission {key!r}.")
    text = "\n".join(path.read_text(errors="replace") for path in loaded.subject.sources.values())
    for permission in loaded.of(Permission):
        if permission.key not in used and text.count(permission.key.rsplit(".", 1)[-1]) < 2:
            yield UNUSED_RULE.at(permission.key, "Nothing asks for it.")


def _needed(loaded: Loaded) -> Iterator[tuple[str, str]]:
    for route in loaded.of(Route):
        if route.dialect not in {"native", "pages"}:
            continue  # other dialects may have credentials with rights of their own
        yield from ((f"{route.method} {route.path}", key) for key in (route.guard.permissions if route.guard else ()))
    for item in loaded.of(NavItem):
        if item.permission:
            yield f"side bar: {item.label}", item.permission
    for content in loaded.of(SlotContent):
        if content.permission:
            yield f"slot {content.slot}", content.permission
    for section in loaded.of(SettingsModel):
        yield f"settings {section.section}", section.permission


def _references(loaded: Loaded) -> Iterator[Finding]:
    slots = {one.name for one in loaded.known(Slot)}
    for content in loaded.of(SlotContent):
        if content.slot not in slots:
            absent = content.slot.split(".")[0] not in {one.split(".")[0] for one in slots}
            yield SLOT_RULE.at(
                content.template, f"There is no slot {content.slot!r}.", severity="note" if absent else None
            )
    pages = {one.path.rstrip("/") or "/" for one in loaded.known(Route) if one.dialect == "pages"}
    for item in loaded.of(NavItem):
        if (item.path.rstrip("/") or "/") not in pages:
            yield NAV_RULE.at(f"side bar: {item.label}", f"There is no page {item.path}.")
    if loaded.of(NodeHalfNeeded) and not loaded.subject.node_module:
        yield HALF_RULE.at("muntin_node_halves", "The distribution has no entry point in the group muntin.node.")


def _capabilities(loaded: Loaded) -> Iterator[Finding]:
    """What the static file declares against what there is."""
    static, where = static_of(loaded.subject), f"{loaded.subject.package_name}/{FILE_NAME}"
    if static is None:
        return  # `manifest-static` says so
    told = static.capabilities
    tables = {str(model._meta.db_table) for model in models_of(loaded)}
    if tables != set(told.tables):
        unlike = ", ".join(sorted(tables ^ set(told.tables)))
        yield CAPABILITY_RULE.at(where, f"Its tables are not those that are declared: {unlike}.")
    secrets = [
        f"{section.section}.{name}"
        for section in loaded.of(SettingsModel)
        for name, field in section.model.model_fields.items()
        if "Secret" in repr(field.annotation)
    ]
    if secrets and not told.secrets:
        yield CAPABILITY_RULE.at(where, f"It keeps secrets and declares none: {', '.join(secrets)}.")
    if bool(loaded.subject.node_module) != told.node_code:
        yield CAPABILITY_RULE.at(where, f"node_code is {told.node_code}.")
