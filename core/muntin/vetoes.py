"""Asking plugins before something happens: each may object with a reason, and then it does not happen.

A service asks before its transaction, with what is about to happen as plain values:

    await ask("server.create", actor, {"name": wanted.name, "owner_id": wanted.user_id})

Every plugin that watches the moment is asked at once, each with a deadline. One that raises or is late does not hold up
the panel: it counts as content (or, if it says `on_error="refuse"`, as an objection), is logged, and after five
failures in a row it is not asked for a minute.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from muntin.access import Actor
from muntin.contributions import Objection, Veto
from muntin.errors import Conflict
from muntin.plugins.boundaries import within
from muntin.plugins.registry import Owned
from muntin.runtime import panel
from muntin.translation import _

log = logging.getLogger("muntin.vetoes")

FAILURES_IN_A_ROW = 5
REST_S = 60.0


class Vetoed(Conflict):
    """A plugin objects; `details["objections"]` has the reasons by the name of the plugin."""

    code = "vetoed"


@dataclass(slots=True)
class _Trouble:
    """How a check has failed lately."""

    in_a_row: int = 0
    rests_until_s: float = 0.0


_troubles: dict[Veto, _Trouble] = {}


async def ask(moment: str, actor: Actor, facts: Mapping[str, Any]) -> None:
    """Ask every enabled plugin that watches the moment.

    Args:
        moment: One that the core or a plugin offers (`Moment`): `server.create`.
        facts: What is about to happen; plugins cannot change it.

    Raises:
        Vetoed: Names each plugin that objects, with its reason.
    """
    watching = [owned for owned in panel().registry.owned(Veto) if owned.value.moment == moment]
    if not watching:
        return
    answers = await asyncio.gather(*(_answer(owned, actor, MappingProxyType(dict(facts))) for owned in watching))
    objections: dict[str, list[str]] = {}
    for owned, objection in zip(watching, answers, strict=True):
        if objection is not None:
            objections.setdefault(owned.plugin, []).append(objection.reason)
    if objections:
        reasons = " ".join(f"{plugin}: {' '.join(found)}" for plugin, found in objections.items())
        raise Vetoed(_("This is not allowed now. {reasons}", reasons=reasons), objections=objections)


async def _answer(owned: Owned[Veto], actor: Actor, facts: Mapping[str, Any]) -> Objection | None:
    veto = owned.value
    trouble = _troubles.setdefault(veto, _Trouble())
    if time.monotonic() < trouble.rests_until_s:
        return _without_answer(veto)
    try:
        title, check = f"objections to {veto.moment}", partial(veto.check, actor, facts)
        answer = await within(owned.plugin, title, check, deadline_s=veto.timeout_s, source=actor)
        if answer is not None and not isinstance(answer, Objection):
            raise TypeError(f"the check answered {type(answer).__name__}, neither Objection nor None")
    except Exception:  # a plugin's check must not keep the panel from its work
        log.exception("Plugin %s could not say whether it objects to %s", owned.plugin, veto.moment)
        _note_failure(owned, trouble)
        return _without_answer(veto)
    trouble.in_a_row = 0
    return answer


def _note_failure(owned: Owned[Veto], trouble: _Trouble) -> None:
    trouble.in_a_row += 1
    if trouble.in_a_row >= FAILURES_IN_A_ROW:
        trouble.rests_until_s = time.monotonic() + REST_S
        log.error("Plugin %s is not asked about %s for %.0f s", owned.plugin, owned.value.moment, REST_S)


def _without_answer(veto: Veto) -> Objection | None:
    if veto.on_error == "allow":
        return None
    return Objection(reason=_("It could not be asked, and nothing may happen without its consent. Try again later."))
