"""The audit log. Services call `record` in the transaction that changes something.

async with transaction() as events:
    ...
    await audit.record(events, actor, "user.updated", ("user", account.id), {"changed": ["email"]})
"""

from muntin.audit.recording import Subject, record, redacted
from muntin.audit.service import Activity, activity_about, activity_of
from muntin.audit.words import by_whom, known_words, sentence

__all__ = [
    "Activity",
    "Subject",
    "activity_about",
    "activity_of",
    "by_whom",
    "known_words",
    "record",
    "redacted",
    "sentence",
]
