"""A tube in forty lines that obeys, trips, lies, falls silent and sticks: what the guardian is judged on."""

from dataclasses import dataclass

from xraydaq.safety.guard_events import DoBeam, DoWarmUp, TubeSeen


@dataclass
class ModelTube:
    """Knows nothing of guardians."""

    on: bool = False
    by_itself: bool = False
    """Whether it went on although nobody told it to."""

    voltage_v: float = 0.0
    current_a: float = 0.0
    warming: bool = False
    interlock_closed: bool = True
    fault: str = ""
    last_fault: str = ""
    board_k: float = 298.0
    line_alive: bool = True
    obeys_on: bool = True
    obeys_off: bool = True
    lies: str = ""

    def switch_on(self, action: DoBeam | DoWarmUp) -> str:
        """Do as told; get why not, as far as its driver finds out."""
        if not self.line_alive:
            return "no device"
        if not self.interlock_closed or self.fault:
            return "the tube refuses"
        if self.obeys_on:
            self.on, self.by_itself, self.warming = True, False, isinstance(action, DoWarmUp)
            values = (action.voltage_v, action.current_a) if isinstance(action, DoBeam) else (50e3, 200e-6)
            self.voltage_v, self.current_a = values
        return ""

    def switch_off(self) -> str:
        """Do as told; get why not, as far as its driver finds out."""
        if not self.line_alive or not self.obeys_off:
            return "no acknowledgement"
        self.go_dark()
        return ""

    def go_dark(self) -> None:
        """Nothing is on any more."""
        self.on = self.by_itself = self.warming = False
        self.voltage_v = self.current_a = 0.0

    def trip(self, fault: str) -> None:
        """Go off by itself, and know of it afterwards."""
        self.go_dark()
        self.last_fault = fault

    def open_interlock(self) -> None:
        """Open the door: hardware cuts the high voltage."""
        self.interlock_closed, self.fault = False, "interlock open"
        self.go_dark()

    def close_interlock(self) -> None:
        """Close the door; nothing comes back by itself."""
        if not self.interlock_closed:
            self.interlock_closed, self.fault, self.last_fault = True, "", "interlock open"

    def status(self) -> TubeSeen:
        """Say what it is, or lie."""
        dark = self.lies == "dark"
        factor = 0.8 if self.lies == "monitors" else 1.0
        return TubeSeen(
            hv_enabled=self.on and not dark,
            voltage_v=0.0 if dark else factor * self.voltage_v,
            current_a=0.0 if dark else factor * self.current_a,
            interlock="" if self.interlock_closed else "interlock open",
            fault=self.fault,
            last_fault=self.last_fault,
            overridden=False,
            warming_up=self.warming and not dark,
            board_k=self.board_k,
        )
