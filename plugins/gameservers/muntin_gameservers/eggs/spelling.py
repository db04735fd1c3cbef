"""Remembers how a file wrote things, and writes them so again.

A document is compared with the one we would write; each difference is kept. Writing in the same format then puts
it back wherever the meaning is still the same, so that nothing of a file is lost and nothing stale is written.
"""

from collections.abc import Iterable, Iterator

from muntin_gameservers.eggs.definition import Spelling
from muntin_gameservers.eggs.json_values import MISSING, Json, Missing, Path, digest, same


def spellings(written: Json | Missing, meant: Json | Missing, path: Path = ()) -> Iterator[Spelling]:
    """Every place where a document as `written` differs from the one we would write for what it `meant`."""
    if isinstance(written, dict) and isinstance(meant, dict):
        for key in dict.fromkeys([*written, *meant]):
            yield from spellings(written.get(key, MISSING), meant.get(key, MISSING), (*path, key))
    elif isinstance(written, list) and isinstance(meant, list) and len(written) == len(meant):
        for index, pair in enumerate(zip(written, meant, strict=True)):
            yield from spellings(*pair, (*path, index))
    elif isinstance(written, Missing):
        yield Spelling(path=path, meant=digest(meant), absent=True)
    elif not same(written, meant):
        yield Spelling(path=path, meant=digest(meant), written=written)


def respell(document: dict[str, Json], kept: Iterable[Spelling]) -> None:
    """Put each kept spelling into a document, unless the value there no longer means what it meant."""
    for spelling in kept:
        holder, key = _holder(document, spelling.path), spelling.path[-1]
        if isinstance(holder, dict) and isinstance(key, str):
            _respell_key(holder, key, spelling)
        elif isinstance(holder, list) and isinstance(key, int) and key < len(holder):
            _respell_item(holder, key, spelling)


def _respell_key(holder: dict[str, Json], key: str, spelling: Spelling) -> None:
    if digest(holder.get(key, MISSING)) != spelling.meant:
        return
    if spelling.absent:
        del holder[key]
    else:
        holder[key] = spelling.written


def _respell_item(holder: list[Json], index: int, spelling: Spelling) -> None:
    if digest(holder[index]) == spelling.meant:
        holder[index] = spelling.written


def _holder(document: Json, path: Path) -> Json:
    """The mapping or list that holds the last part of a path; None when there is none any more."""
    value = document
    for part in path[:-1]:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
