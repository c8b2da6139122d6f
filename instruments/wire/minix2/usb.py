"""How a Mini-X2 is found and spoken to on raw USB (Amptek Digital Products Programmer's Guide, Rev B3, USB)."""

VENDOR, PRODUCT = 0x10C4, 0x842A
"""Also those of the maker's spectrometers."""

INTERFACE = 0
REPLIES, REQUESTS = 0x81, 0x02
READ_BYTES = 1024
"""A whole number of USB packets, larger than any reply: a smaller buffer could overflow."""
