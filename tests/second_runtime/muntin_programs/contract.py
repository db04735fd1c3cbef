"""What panel and node tell each other about programs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["offline", "running"]


class Program(BaseModel):
    """What is to run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    argv: Annotated[list[str], Field(min_length=1, max_length=64)]


class Order(BaseModel):
    """Start or stop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["start", "stop"]


class Line(BaseModel):
    """One line for the program's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, Field(max_length=2048)]
