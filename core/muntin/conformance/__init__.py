"""`muntin plugin check`: is a plugin fit for other people's panels?

The parent (`running`) finds the plugin, starts a throw-away process with a data folder of its own, and reads findings
from it line by line, so that a plugin which hangs, exits or crashes there is a finding too. The process (`__main__`)
runs the checks of `checks/`, stage after stage; `report` shows what was found as text or JSON.
"""

from muntin.conformance.finding import Finding, Rule, Severity

__all__ = ["Finding", "Rule", "Severity"]
