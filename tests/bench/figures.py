"""Samples, bounds on their median, and the table that is printed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for on the command line.

    Attributes:
        folder: Scratch space, gone afterwards.
        idle_s: How long processes idle before their memory is looked at.
    """

    folder: Path
    rounds: int
    idle_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        samples: One per round.
        at_least, at_most: The bound on the median; without either the figure is only shown.
        note: Said behind the verdict.
    """

    name: str
    samples: tuple[float, ...]
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the samples."""
        return median(self.samples)

    @property
    def is_met(self) -> bool:
        """Whether the median keeps the bound."""
        enough = self.at_least is None or self.median >= self.at_least
        return enough and (self.at_most is None or self.median <= self.at_most)

    @property
    def bound(self) -> str:
        """The bound in words, empty when there is none."""
        if self.at_least is not None:
            return f">= {_number(self.at_least)} {self.unit}".strip()
        return "" if self.at_most is None else f"<= {_number(self.at_most)} {self.unit}".strip()

    @property
    def verdict(self) -> str:
        """PASS or FAIL; nothing for what is only shown."""
        return ("PASS" if self.is_met else "FAIL") if self.bound else ""


async def rotate(targets: Mapping[str, Measure], rounds: int) -> dict[str, tuple[float, ...]]:
    """Measure each target once per round, one after the other, so that a busy minute hits all alike."""
    samples: dict[str, list[float]] = {name: [] for name in targets}
    for _round in range(rounds):
        for name, measure in targets.items():
            samples[name].append(await measure())
    return {name: tuple(values) for name, values in samples.items()}


def table(figures: list[Figure]) -> str:
    """The figures in columns."""
    rows = [("figure", "median [min-max]", "rounds", "bound", "", "")]
    rows += [(one.name, _spread(one), str(len(one.samples)), one.bound, one.verdict, one.note) for one in figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _spread(figure: Figure) -> str:
    low, middle, high = map(_number, (min(figure.samples), figure.median, max(figure.samples)))
    return f"{middle} [{low}-{high}] {figure.unit}".strip()


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
