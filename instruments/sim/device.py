"""What every message-based simulator is to a transport."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes for the host, terminator included, and the moment of the bench clock at which the last of them is out."""

    data: bytes
    ready_s: float
    held_back: bool = False
    """A fault of the line holds it back; the device knows nothing of it."""


class Device(Protocol):
    """A device that catches up with the time it is told; it never waits and never asks for the time."""

    terminator: bytes
    baud: int | None
    """Speed of its serial line, None on a bus or network."""

    keeps_unread: bool
    """Whether an unread reply stays in the line when the host speaks again (serial, USB) or is lost (GPIB)."""

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host."""

    def replies(self, now_s: float) -> list[Reply]:
        """Give all replies made by now."""

    def next_s(self) -> float | None:
        """Get when something will happen by itself, None for never."""

    def clear(self, now_s: float) -> None:
        """Device clear."""

    def serial_poll(self, now_s: float) -> int:
        """Get the status byte from the bus hardware."""

    def unread(self, now_s: float) -> None:
        """Be told that the last reply was discarded unread by a new message."""

    def unasked(self, now_s: float) -> None:
        """Be told that the host reads although nothing was asked."""
