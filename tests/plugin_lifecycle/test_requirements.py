"""Plugins that do not fit are refused by name, with reason and remedy; everything else may run."""

from __future__ import annotations

from muntin.plugins.manifest import Manifest, normal
from muntin.plugins.requirements import examined


def plugin(name: str, **more: object) -> Manifest:
    """A manifest as a wheel would give it."""
    values = {"module": f"muntin_{name}.plugin", "distribution": f"muntin-{name}", "version": "1.0", **more}
    return Manifest(name=name, **values)  # type: ignore[arg-type]  # values of a test


def problems(*plugins: Manifest) -> dict[str, tuple[str, str]]:
    """Name -> (problem, remedy) of those that are refused; every wheel of the set is there, and pyyaml."""
    there = {"pyyaml", *(normal(one.distribution) for one in plugins)}
    found = examined({one.name: one for one in plugins}, there)
    return {name: (one.problem, one.remedy) for name, one in found.items() if one.problem}


def test_plugins_that_fit_have_no_problem() -> None:
    tags = plugin("tags", version="2.1")

    assert problems(tags, plugin("notes", needs={"tags": ">=2"}, requires={"pyyaml": ">=6"}, muntin=">=0.1")) == {}


def test_wrong_version_of_the_panel_is_named() -> None:
    assert problems(plugin("notes", muntin=">=99"), plugin("tags")) == {
        "notes": (
            "It needs muntin >=99; this is 0.1.0.",
            "Install a version of it that fits this panel, or another panel.",
        )
    }


def test_missing_plugin_is_named() -> None:
    assert problems(plugin("notes", needs={"tags": ">=2"}), plugin("other")) == {
        "notes": ("It needs the plugin tags >=2, which is not installed.", "Install tags first.")
    }


def test_wrong_version_of_a_plugin_is_named_whichever_way_it_is_needed() -> None:
    tags, by_plugin = plugin("tags"), plugin("notes", needs={"tags": ">=2"})
    by_wheel = plugin("pads", requires={"muntin-tags": ">=3"})

    assert problems(tags, by_plugin, by_wheel) == {
        "notes": ("It needs tags >=2; 1.0 is installed.", "Install a version of tags that fits."),
        "pads": ("It needs muntin-tags >=3; 1.0 is installed.", "Install a version of muntin-tags that fits."),
    }


def test_missing_distribution_is_named() -> None:
    assert problems(plugin("notes", requires={"left-pad": ">=1"})) == {
        "notes": (
            "It needs left-pad >=1, which is not installed.",
            "Install it with what it needs: muntin plugin install muntin-notes",
        )
    }


def test_circle_of_plugins_is_named_and_refuses_all_of_it_and_nobody_else() -> None:
    circle = (plugin("a_one", needs={"b_two": ""}), plugin("b_two", requires={"muntin-c-three": ""}))
    found = problems(*circle, plugin("c_three", needs={"a_one": ""}), plugin("free"))

    said = ("It needs itself by way of others: a_one → b_two → c_three → a_one.", "Uninstall one of them.")
    assert found == {"a_one": said, "b_two": said, "c_three": said}


def test_plugin_that_needs_a_refused_one_is_refused_with_the_first_cause() -> None:
    found = problems(plugin("tags", muntin=">=99"), plugin("notes", needs={"tags": ""}), plugin("free"))

    assert found["notes"] == (
        "It needs tags, which cannot be loaded: It needs muntin >=99; this is 0.1.0.",
        "Install a version of it that fits this panel, or another panel.",
    )
    assert "free" not in found
