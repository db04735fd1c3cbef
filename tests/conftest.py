"""The core is tested without any plugin."""

from __future__ import annotations

import pytest

collect_ignore = ["broken_plugins"]  # they are looked at by tests/conformance


@pytest.fixture(scope="session")
def panel_plugins() -> tuple[str, ...]:
    """No plugin."""
    return ()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests left (`record_property("table", text)`)."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    for text in [value for one in reports for name, value in one.user_properties if name == "table"]:
        terminalreporter.write_line("")
        terminalreporter.write_line(str(text))
