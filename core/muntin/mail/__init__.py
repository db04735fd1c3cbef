"""Mail. A service asks for one in the transaction that causes it; the worker sends it.

    async with transaction() as events:
        ...
        await mail.send(events, "account.verification", to=account, values={"url": url})

A mail that cannot be sent never fails the call: it is tried again, and in the end given up and listed.
"""

from muntin.mail.queue import Addressee, send

__all__ = ["Addressee", "send"]
