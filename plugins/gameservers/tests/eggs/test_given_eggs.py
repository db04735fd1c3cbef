"""The eggs of the folder that MUNTIN_EGGS names come back from an import and export without a lost field."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.eggs.writing import write_egg

FOLDER = os.environ.get("MUNTIN_EGGS", "")
FILES = sorted(each for each in Path(FOLDER).iterdir() if each.suffix in (".json", ".yaml", ".yml")) if FOLDER else []
GIVEN: list[Any] = [pytest.param(each, id=each.name) for each in FILES] or [
    pytest.param(None, marks=pytest.mark.skip(reason="MUNTIN_EGGS does not name a folder of egg files"))
]


@pytest.mark.parametrize("path", GIVEN)
def test_given_egg_comes_back_without_a_lost_field(path: Path) -> None:
    data = path.read_bytes()
    is_json = path.suffix == ".json"

    egg = EggDefinition.from_json(json.loads(json.dumps(read_egg(data, name=path.name).as_json(), sort_keys=True)))
    written = write_egg(egg, syntax="json" if is_json else "yaml")

    parse = json.loads if is_json else yaml.safe_load
    assert parse(written) == parse(data)
