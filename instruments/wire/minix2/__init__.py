"""The words of the Mini-X2: bytes into frozen values and back."""

from instruments.wire.minix2.packet import Ack, Acknowledgement, Packet, PacketReader, encode, parse_ack
from instruments.wire.minix2.records import (
    FaultRecord,
    TimestampRecord,
    encode_timestamp,
    parse_fault_record,
    parse_timestamp,
)
from instruments.wire.minix2.status import FaultCode, TubeStatus, WarmUpState, parse_status
from instruments.wire.minix2.tables import (
    TubeTable,
    WarmUpKind,
    WarmUpStep,
    WarmUpTable,
    parse_tube_table,
    parse_warm_up_table,
)
from instruments.wire.minix2.text import (
    Identity,
    SetPoints,
    format_current,
    format_voltage,
    parse_identity,
    parse_read_back,
    parse_set_points,
)

__all__ = [
    "Ack",
    "Acknowledgement",
    "FaultCode",
    "FaultRecord",
    "Identity",
    "Packet",
    "PacketReader",
    "SetPoints",
    "TimestampRecord",
    "TubeStatus",
    "TubeTable",
    "WarmUpKind",
    "WarmUpState",
    "WarmUpStep",
    "WarmUpTable",
    "encode",
    "encode_timestamp",
    "format_current",
    "format_voltage",
    "parse_ack",
    "parse_fault_record",
    "parse_identity",
    "parse_read_back",
    "parse_set_points",
    "parse_status",
    "parse_timestamp",
    "parse_tube_table",
    "parse_warm_up_table",
]
