"""Files that are one tree: `json`, `yaml`, `toml`. JSON and YAML lose their layout, YAML its comments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import tomlkit
import yaml
from tomlkit.exceptions import TOMLKitError

from muntin_gameservers.contract import Replacement
from muntin_gameservers.node.rewriting.errors import RewriteRefused
from muntin_gameservers.node.rewriting.paths import replace_in_tree

YAML_TOKENS = 500_000
YAML_DEPTH = 100
OPENING = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken,
           yaml.FlowSequenceStartToken)  # fmt: skip
CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def rewrite_json(text: str, replacements: Sequence[Replacement]) -> str:
    """Set values of a JSON document; it is indented by two."""
    try:
        tree = json.loads(text) if text.strip() else {}
        _replace_all(tree, replacements)
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    except (ValueError, RecursionError):
        raise RewriteRefused("it is not JSON") from None


def rewrite_yaml(text: str, replacements: Sequence[Replacement]) -> str:
    """Set values of a single YAML document without aliases."""
    try:
        _check_yaml(text)
        tree = yaml.load(text, Loader=yaml.CSafeLoader)
        tree = {} if tree is None else tree
        _replace_all(tree, replacements)
        return yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise RewriteRefused("it is not a single YAML document") from None


def rewrite_toml(text: str, replacements: Sequence[Replacement]) -> str:
    """Set values of a TOML document; comments stay."""
    try:
        tree = tomlkit.parse(text)
        _replace_all(tree, replacements)
        return tomlkit.dumps(tree)
    except (TOMLKitError, ValueError, RecursionError):
        raise RewriteRefused("it is not TOML") from None


def _replace_all(tree: Any, replacements: Sequence[Replacement]) -> None:
    for replacement in replacements:
        replace_in_tree(tree, replacement)


def _check_yaml(text: str) -> None:
    """Look at the tokens alone, before anything is built: aliases multiply, depth exhausts the stack."""
    depth = 0
    for number, token in enumerate(yaml.scan(text, Loader=yaml.CSafeLoader)):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            raise RewriteRefused("it uses YAML anchors or aliases, which are not followed here")
        depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
        if depth > YAML_DEPTH or number > YAML_TOKENS:
            raise RewriteRefused("it is nested too deeply or has too many values")
