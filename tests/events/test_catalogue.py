"""What event classes say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from muntin.database import uuid7
from muntin.events import Event, EventCatalogue, EventEnvelope, Resource


class InvoicePaid(Event):
    """Nothing is left to pay on an invoice.

    Later refunds are events of their own.
    """

    type = "invoice.paid"
    version = 2
    subject = "invoice_id"

    invoice_id: UUID
    amount_cents: int


def test_event_knows_its_resource_and_keeps_its_actor_out_of_the_payload() -> None:
    invoice, account = uuid7(), uuid7()

    event = InvoicePaid(invoice_id=invoice, amount_cents=500, by=account)

    assert event.resource == Resource("invoice", str(invoice))
    assert event.payload == {"invoice_id": str(invoice), "amount_cents": 500}


def test_event_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="amount"):
        InvoicePaid(invoice_id=uuid7(), amount_cents=1, amount=1)  # type: ignore[call-arg]  # what is refused


def test_event_cannot_be_changed() -> None:
    event = InvoicePaid(invoice_id=uuid7(), amount_cents=500)

    with pytest.raises(ValidationError, match="frozen"):
        event.amount_cents = 1  # type: ignore[misc]  # what is refused


@pytest.mark.parametrize("type_", ["invoice", "Invoice.paid", "invoice.", "invoice paid.x", ""])
def test_event_type_that_is_not_resource_dot_happening_is_refused(type_: str) -> None:
    with pytest.raises(TypeError, match=r"must look like 'server\.created'"):
        type("Odd", (Event,), {"type": type_, "subject": "id", "__module__": __name__})


def test_event_whose_subject_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Odd\.subject must name the field that holds the id of its invoice"):
        type("Odd", (Event,), {"type": "invoice.lost", "subject": "invoice_id", "__module__": __name__})


def test_catalogue_describes_each_event_with_the_schema_of_its_payload() -> None:
    catalogue = EventCatalogue([InvoicePaid])

    assert catalogue.types == ("invoice.paid",)
    assert catalogue.describe() == [
        {
            "type": "invoice.paid",
            "version": 2,
            "description": "Nothing is left to pay on an invoice.",
            "schema": {
                "title": "InvoicePaid",
                "description": "Nothing is left to pay on an invoice.\n\nLater refunds are events of their own.",
                "type": "object",
                "properties": {
                    "invoice_id": {"title": "Invoice Id", "type": "string", "format": "uuid"},
                    "amount_cents": {"title": "Amount Cents", "type": "integer"},
                },
                "required": ["invoice_id", "amount_cents"],
                "additionalProperties": False,
            },
        }
    ]


def test_catalogue_refuses_two_classes_for_one_type_and_version() -> None:
    class Twin(Event):
        """The same once more."""

        type = "invoice.paid"
        version = 2
        subject = "invoice_id"

        invoice_id: UUID

    with pytest.raises(ValueError, match=r"invoice\.paid version 2 is both"):
        EventCatalogue([InvoicePaid, Twin])


def test_catalogue_reads_the_typed_event_from_an_envelope() -> None:
    event = InvoicePaid(invoice_id=uuid7(), amount_cents=500, by=uuid7())
    envelope = EventEnvelope(
        id=uuid7(),
        type="invoice.paid",
        version=2,
        resource_type="invoice",
        resource_id=str(event.invoice_id),
        sequence=1,
        occurred_at=datetime.now(UTC),
        actor_id=event.by,
        payload=event.payload,
    )

    assert EventCatalogue([InvoicePaid]).read(envelope) == event
    with pytest.raises(LookupError, match=r"unknown event invoice\.paid version 2"):
        EventCatalogue().read(envelope)
