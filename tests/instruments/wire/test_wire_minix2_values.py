import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire.minix2 import (
    FaultCode,
    SetPoints,
    WarmUpState,
    WarmUpStep,
    encode_timestamp,
    format_current,
    format_voltage,
    parse_fault_record,
    parse_identity,
    parse_read_back,
    parse_set_points,
    parse_status,
    parse_timestamp,
    parse_tube_table,
    parse_warm_up_table,
    requests,
    text,
)
from tests.instruments import minix2_packets as known
from tests.instruments.minix2_packets import data_of
from xraydaq.errors import WireError

PARSERS = (
    parse_status, parse_tube_table, parse_warm_up_table, parse_timestamp, parse_fault_record, parse_identity,
    parse_read_back, parse_set_points,
)  # fmt: skip
SIZES = (64, 94, 48, 15, 232)


def changed(packet, **places):
    data = bytearray(data_of(packet))
    for place, value in places.items():
        data[int(place.removeprefix("at"))] = value
    return bytes(data)


def test_a_status_with_the_beam_on():
    status = parse_status(data_of(known.STATUS_ON))
    assert (status.serial, status.firmware) == (12345, "6.00.05")
    assert status.voltage_v == pytest.approx(15e3)
    assert status.current_a == pytest.approx(15e-6)
    assert status.power_w == pytest.approx(0.225)
    assert status.interlock_current_a == pytest.approx(25e-3, rel=1e-3)
    assert status.tube_supply_v == pytest.approx(12, rel=1e-3)
    assert status.controller_supply_v == pytest.approx(5, rel=1e-3)
    assert (status.hv_enabled, status.tube_powered, status.accessory_on) == (True, True, False)
    assert (status.fault, status.interlock_closed, status.overridden) == (FaultCode.NONE, True, False)
    assert (status.board_temperature_c, status.run_time_s, status.warm_up) == (31, 86400, None)


def test_a_status_with_the_interlock_open():
    status = parse_status(data_of(known.STATUS_OPEN))
    assert (status.fault, status.previous_fault) == (FaultCode.INTERLOCK_OPEN, FaultCode.INTERLOCK_OPEN)
    assert (status.interlock_closed, status.hv_enabled, status.interlock_current_a) == (False, False, 0)


@pytest.mark.parametrize("code", range(16))
def test_every_code_but_none_and_warm_up_complete_forbids_a_beam(code):
    status = parse_status(changed(known.STATUS_OPEN, at16=code))
    assert status.fault == code
    assert status.interlock_closed == (code in (0, 11))


def test_overrides_and_a_frosty_board_are_seen():
    status = parse_status(changed(known.STATUS_ON, at17=0xF6, at18=0x40))
    assert (status.board_temperature_c, status.fault_checks_disabled, status.limit_checks_disabled) == (
        -10,
        True,
        False,
    )
    assert parse_status(changed(known.STATUS_ON, at18=0x20)).limit_checks_disabled


@pytest.mark.parametrize(("byte", "expected"), [(0x85, (False, 5)), (0x86, (True, 0)), (0x8B, (True, 5))])
def test_a_running_warm_up_tells_its_step(byte, expected):
    status = parse_status(changed(known.STATUS_ON, at19=byte, at20=0x2C, at21=0x01))
    assert status.warm_up == WarmUpState(*expected, 300)


@pytest.mark.parametrize("places", [{"at26": 0, "at27": 0}, {"at28": 0, "at29": 0}, {"at19": 0x8C}])
def test_a_status_that_would_read_zero_or_nonsense_is_none(places):
    with pytest.raises(WireError):
        parse_status(changed(known.STATUS_ON, **places))


def test_the_tube_table_in_si():
    table = parse_tube_table(data_of(known.TUBE_TABLE))
    assert (table.part_number, table.tube_serial) == ("SYNTH-50KV-10W-AG", "T0001")
    assert table.description == "SYNTHETIC TEST TUBE"
    assert (table.min_voltage_v, table.max_voltage_v, table.max_power_w) == (10e3, 50e3, 10)
    assert (table.min_current_a, table.max_current_a) == pytest.approx((5e-6, 200e-6))
    assert (table.volts_per_monitor_v, table.amperes_per_monitor_v) == pytest.approx((12.5e3, 50e-6))
    assert table.interlock_bias_v == pytest.approx(5)
    assert table.min_interlock_current_a == pytest.approx(19.90e-3, rel=1e-3)
    assert table.max_interlock_current_a == pytest.approx(29.86e-3, rel=1e-3)
    assert (table.min_supply_v, table.max_supply_v) == (9, 13)


@pytest.mark.parametrize("places", [{"at33": 9}, {"at35": 0, "at36": 4}, {"at37": 0}, {"at0": 0x80}])
def test_a_tube_table_without_room_or_with_noise_is_none(places):
    with pytest.raises(WireError):
        parse_tube_table(changed(known.TUBE_TABLE, **places))


def test_the_warm_up_table_and_its_times():
    table = parse_warm_up_table(data_of(known.WARM_UP_TABLE))
    assert (table.duration_s("daily"), table.duration_s("monthly")) == (30, 2700)
    assert table.daily[0] == WarmUpStep(25e3, 20e-6, 5)
    assert table.steps("monthly")[4] == WarmUpStep(50e3, 200e-6, 600)


def test_the_timestamp_record_tells_when_the_tube_was_last_on():
    record = parse_timestamp(data_of(known.TIMESTAMP))
    assert record.written_utc_s == datetime(2024, 3, 14, 9, 26, 53, tzinfo=UTC).timestamp()
    assert record.last_on_utc_s == record.written_utc_s + 3600
    assert record.run_time_s == 86400


def test_a_date_that_was_written_only_tells_nothing_of_the_tubes_last_use():
    data = bytearray(data_of(known.TIMESTAMP))
    data[7:11] = bytes(4)
    record = parse_timestamp(bytes(data))
    assert record.written_utc_s is not None
    assert record.last_on_utc_s is None


@pytest.mark.parametrize("places", [{"at0": 0x80}, {"at1": 13}, {"at2": 0}, {"at4": 24}])
def test_a_record_without_a_date_says_so(places):
    record = parse_timestamp(changed(known.TIMESTAMP, **places))
    assert (record.written_utc_s, record.last_on_utc_s) == (None, None)


def test_a_date_is_spelled_as_published():
    utc_s = datetime(2024, 3, 14, 9, 26, 53, tzinfo=UTC).timestamp()
    packet = requests.timestamp_request(encode_timestamp(utc_s))
    assert packet.data == bytes.fromhex("03 0E 18 09 1A 35")
    assert packet.kind == "F0/31"


@given(st.integers(946684800, 8078486400))
def test_a_date_comes_back_as_it_was(utc_s):
    assert parse_timestamp(b"\0" + encode_timestamp(utc_s) + bytes(8)).written_utc_s == utc_s


@pytest.mark.parametrize("utc_s", [946684799, 1e11, math.nan, math.inf, -math.inf])
def test_a_date_the_device_cannot_hold_is_refused(utc_s):
    with pytest.raises(ValueError):
        encode_timestamp(utc_s)


def fault_record(status=known.STATUS_OPEN):
    return (
        b"\1" + data_of(known.TIMESTAMP) + bytes(2) + data_of(status) + data_of(known.TUBE_TABLE)
        + data_of(known.WARM_UP_TABLE) + bytes(2) + bytes.fromhex("3200 C800") + bytes(2)
    )  # fmt: skip


def test_a_fault_record_keeps_all_sixteen_bits_of_the_set_points():
    record = parse_fault_record(fault_record())
    assert (record.set_voltage_v, record.set_current_a) == pytest.approx((50e3, 200e-6))
    assert record.status == parse_status(data_of(known.STATUS_OPEN))
    assert record.tube_table == parse_tube_table(data_of(known.TUBE_TABLE))
    assert (record.flags, record.timestamp.lag_s) == (1, 3600)


def test_a_fault_record_with_an_empty_part_is_still_read():
    data = fault_record()
    record = parse_fault_record(data[:18] + bytes(64) + data[82:])
    assert record.status is None
    assert record.tube_table is not None


def test_the_identity_of_a_tube():
    identity = parse_identity(data_of(known.IDENTITY))
    assert (identity.manufacturer, identity.model, identity.serial) == ("Amptek", "Mini-X2", "12345")
    assert (identity.tube_part_number, identity.powered_s) == ("SYNTH", 2 * 3600 + 15 * 60 + 30)
    assert identity.is_mini_x2


@pytest.mark.parametrize("dash", [b"-", b"\x96", "–".encode()])
def test_the_dash_before_the_serial_number_may_be_any(dash):
    identity = parse_identity(bytes(32) + b"Amptek Mini-X2 " + dash + b" S/N 77\0Tube P/N X\0")
    assert (identity.model, identity.serial, identity.is_mini_x2) == ("Mini-X2", "77", True)


def test_a_detector_is_told_apart():
    identity = parse_identity(bytes(32) + b"Amptek DP5 - S/N 4242\0")
    assert not identity.is_mini_x2
    assert (identity.model, identity.serial) == ("DP5", "4242")


@pytest.mark.parametrize(
    ("reply", "voltage_v", "current_a"),
    [
        (b"HVSE=15.000;CUSE=15.000;", 15e3, 15e-6),
        (b"HVSE=50;CUSE=200", 50e3, 200e-6),
        (b"HVSE=40.0kV;CUSE=1.0E+2uA;", 40e3, 100e-6),
        (b"HVSE=40 kV;CUSE=100 \xb5A;", 40e3, 100e-6),
        (b"CUSE=OFF;HVSE=OFF;", 0, 0),
    ],
)
def test_set_points_are_read_in_any_number_format(reply, voltage_v, current_a):
    assert parse_set_points(reply) == SetPoints(pytest.approx(voltage_v), pytest.approx(current_a))


@pytest.mark.parametrize(
    "reply",
    [b"", b"HVSE=15;", b"HVSE=??;CUSE=1;", b"HVSE=nan;CUSE=1;", b"HVSE=1;HVSE=2;CUSE=1;", b"HVSE=1e999;CUSE=1;"],
)
def test_a_read_back_without_both_numbers_is_none(reply):
    with pytest.raises(WireError):
        parse_set_points(reply)


@given(st.floats(10e3, 70e3), st.floats(5e-6, 200e-6))
def test_set_points_come_back_and_are_never_rounded_up(voltage_v, current_a):
    command = format_voltage(voltage_v) + format_current(current_a)
    found = parse_set_points(command.encode())
    # thousandths of kV and uA are sent; a ten-millionth covers numbers that are round in kV and not in V
    assert -1 - 1e-3 <= found.voltage_v - voltage_v <= 1e-4
    assert -1e-9 - 1e-12 <= found.current_a - current_a <= 1e-13
    assert all(len(part.partition("=")[2]) <= 10 for part in command.split(";"))


def test_round_set_points_are_sent_as_they_are():
    assert format_voltage(50e3) + format_current(200e-6) == "HVSE=50.000;CUSE=200.000;"
    assert all(format_current(ua / 1e6) == f"CUSE={ua}.000;" for ua in range(5, 201))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, 1e6])
def test_a_set_point_that_is_none_has_no_spelling(value):
    with pytest.raises(ValueError):
        format_voltage(value)
    with pytest.raises(ValueError):
        format_current(value)


def test_there_is_no_spelling_for_an_override():
    spelled = [value for value in vars(text).values() if isinstance(value, str)]
    assert text.CHECKS_ON in spelled
    assert not any("=ON" in value for value in spelled)


@given(
    st.sampled_from(PARSERS), st.one_of(st.binary(max_size=260), *(st.binary(min_size=n, max_size=n) for n in SIZES))
)
def test_garbage_is_a_value_or_a_wire_error(parse, garbage):
    try:
        parse(garbage)
    except WireError as error:
        assert error.data in garbage  # noqa: PT017  # a value is as good
