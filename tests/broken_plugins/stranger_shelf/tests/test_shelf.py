from muntin.testing.callers import Caller


async def test_entry_is_listed_once_it_is_added(user: Caller) -> None:
    added = await user.post("/api/v1/shelf", {"title": "Hello."})

    listed = await user.get("/api/v1/shelf")

    assert added.status == 201
    assert [entry["title"] for entry in listed.data] == ["Hello."]
