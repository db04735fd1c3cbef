"""Jinja for pages and mails: the core's folder, the enabled plugins' folders, and the operator's theme on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, Undefined, select_autoescape

from muntin.configuration import Configuration
from muntin.contributions import Templates
from muntin.filters import FILTERS
from muntin.pages.assets import core_assets
from muntin.plugins.registry import Registry
from muntin.translation import _


class TemplateRoom:
    """The templates of one panel.

    A theme is a folder `<data>/theme`: a file there wins over the one of the same path in the core or
    in a plugin. `plain:` in front of a path skips the theme.
    """

    def __init__(self, registry: Registry, configuration: Configuration) -> None:
        self._registry = registry
        self._theme = configuration.data_dir / "theme"
        self.environment = Environment(
            autoescape=select_autoescape(("html", "svg"), default_for_string=True),
            undefined=Undefined,  # layouts ask for optional values with `or`
            enable_async=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Macros are imported without a page's values, so what every one needs is global.
        self.environment.globals.update(_=_, asset=core_assets.url, asset_preloads=core_assets.preloads)
        self.environment.filters.update(FILTERS)
        self.refresh()

    def refresh(self) -> None:
        """Take the folders of the plugins that are enabled now."""
        folders = [one.templates for one in self._registry.of(Templates)]
        plain = FileSystemLoader(folders)
        self.environment.loader = ChoiceLoader(
            [FileSystemLoader(self._theme), plain, PrefixLoader({"plain": plain}, ":")]
        )
        if self.environment.cache is not None:
            self.environment.cache.clear()

    async def render(self, template: str, values: Mapping[str, Any]) -> str:
        """The template filled with the values; unknown names are empty."""
        return await self.environment.get_template(template).render_async(**values)
