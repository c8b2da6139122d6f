"""The Radcal Accu-Gold+ and its ion chamber, by a person, an exported log, or a bridge. NEVER VERIFIED ON HARDWARE.

The host protocol of the digitizer is not public; nothing here claims to speak it.
"""

from instruments.accugold.air import AT_20_DEGC, AT_22_DEGC, Air
from instruments.accugold.bridged import LINE, BridgeDosimeter
from instruments.accugold.dosimeter import Chamber, DoseReading, Dosimeter, DosimeterIdentity
from instruments.accugold.export import ExportLog, Layout
from instruments.accugold.imported import ImportedDosimeter
from instruments.accugold.operator import OperatorDosimeter

__all__ = [
    "AT_20_DEGC",
    "AT_22_DEGC",
    "LINE",
    "Air",
    "BridgeDosimeter",
    "Chamber",
    "DoseReading",
    "Dosimeter",
    "DosimeterIdentity",
    "ExportLog",
    "ImportedDosimeter",
    "Layout",
    "OperatorDosimeter",
]
