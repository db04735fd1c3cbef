"""Laravel's validation rules, as far as egg variables use them.

splitting        one line of rules <-> its parts
rule             a parsed rule and the value it looks at
value_tests      rules about a value that is there
presence_tests   rules about whether it is there
patterns         regex and not_regex, within bounds
checking         all of it together
hints            which form field suits a variable
"""

from muntin_gameservers.eggs.rules.checking import check, unknown_rules, value_text
from muntin_gameservers.eggs.rules.hints import FieldHint, hint
from muntin_gameservers.eggs.rules.rule import Rule, parse_rules
from muntin_gameservers.eggs.rules.splitting import join_rules, split_rules

__all__ = [
    "FieldHint",
    "Rule",
    "check",
    "hint",
    "join_rules",
    "parse_rules",
    "split_rules",
    "unknown_rules",
    "value_text",
]
