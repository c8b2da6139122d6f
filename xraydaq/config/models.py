"""What bench, sample and recipe files may contain."""

from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from xraydaq.config.calibration import DoseCalibration
from xraydaq.config.dosimeter import FOLDER, OPERATOR, DosimeterTable
from xraydaq.config.recipes import PARAMETERS
from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.config.values import Bounds, Model, Number, Quantities, Quantity
from xraydaq.config.words import Choice, Day, Switch, Text

SIM = "SIM::"
DRIVERS = {
    "smu": ("keithley2400",),
    "tube": ("minix2",),
    "dosimeter": ("accugold",),
    "preamplifier": ("sr570",),
    "analyser": ("agilent35670a",),
    "temperature": ("lakeshore335",),
    "filters": ("foils",),
    "operator": ("stand_in",),
}
"""Role -> drivers that can fill it."""

WITHOUT_CABLE = {"dosimeter": (OPERATOR, FOLDER), "filters": (OPERATOR,)}
"""Roles that a person or a folder of files can fill, and how their resource begins then."""

DEVICES = ("untreated", "mai", "atomistic", "glass")
"""Treatments of which the simulated bench knows a crystal, and its glass blank."""

FROM_SAMPLE = "from sample"
FRAMES = ("8N1", "8N2", "7O1", "7E1")
BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

Name = Annotated[
    str, Text("mai", r"[^\W_][\w .+-]{0,59}", "up to 60 letters, digits, blanks and . _ + -, first a letter or digit")
]
Note = Annotated[str, Text("anything worth knowing")]
FilePath = Annotated[str, Text("../samples/mai.toml", rule="a file name in quotes")]
Driver = Annotated[str, Choice(tuple(driver for drivers in DRIVERS.values() for driver in drivers))]
Resource = Annotated[
    str,
    Text(
        "GPIB0::24::INSTR",
        r"(SIM::\w+|OPERATOR|FOLDER::.+|(GPIB|ASRL|TCPIP|USB)[^:\s]*::[^\s]+|ASRL/[^:\s]+::[^\s]+)",
        'a VISA resource, or "SIM::<role>" to simulate',
    ),
]


class Role(Model):
    """One instrument of a bench, by what it is there for."""

    driver: Driver
    resource: Resource
    baud: Annotated[int, Number(9600, whole=True, one_of=BAUD_RATES)] | None = None
    """Speed of a serial line when the instrument has a menu for it; by default the driver's."""

    frame: Annotated[str, Choice(FRAMES)] | None = None
    """Data bits, parity and stop bits of a serial line; by default the driver's. A pseudo-terminal has 8N1 only."""

    model: Annotated[str, Text("MODEL 2400")] | None = None
    serial: Annotated[str, Text("1234567")] | None = None
    firmware: Annotated[str, Text("C30")] | None = None
    """What the instrument must answer about itself; not checked when left out."""

    calibration_due: Annotated[date, Day("2027-03-31")] | None = None

    @property
    def simulated(self) -> bool:
        """Tell whether the resource is one of the simulated bench."""
        return self.resource.startswith(SIM)


class BenchLimits(Model):
    """What no run on this bench may exceed, whatever a recipe says."""

    max_bias_v: Annotated[float, Quantity("V", "25 V", Bounds(above=0.0))] = Field(alias="max_bias")
    max_current_a: Annotated[float, Quantity("A", "100 uA", Bounds(above=0.0))] = Field(alias="max_current")
    max_tube_voltage_v: Annotated[float, Quantity("V", "50 kV", Bounds(above=0.0))] | None = Field(
        None, alias="max_tube_voltage"
    )
    max_tube_current_a: Annotated[float, Quantity("A", "200 uA", Bounds(above=0.0))] | None = Field(
        None, alias="max_tube_current"
    )
    max_tube_power_w: Annotated[float, Quantity("W", "10 W", Bounds(above=0.0))] | None = Field(
        None, alias="max_tube_power"
    )
    """The tube's own table limits it as well; the tightest wins."""

    max_temperature_k: Annotated[float, Quantity("K", "325 K", Bounds(above=0.0))] | None = Field(
        None, alias="max_temperature"
    )


class Foils(Model):
    """The aluminium in the beam. What it lets through is measured, never assumed."""

    fixed_m: Annotated[float, Quantity("m", "0.5 mm", Bounds(at_least=0.0, at_most=0.05))] = Field(alias="fixed")
    """Always in the beam: at least 0.5 mm keep the anode's 3 keV lines out."""

    foils_m: Annotated[tuple[float, ...], Quantities(Quantity("m", "1 mm", Bounds(above=0.0, at_most=0.05)))] = Field(
        alias="foils"
    )
    """What can be mounted behind it, one entry at a time; foils that are used together are an entry of their own."""


class StageTable(Model):
    """How the temperature controller drives the stage; found once for a stage, by its step response."""

    heater_range: Annotated[Literal["low", "medium", "high"], Choice(("low", "medium", "high"))] = "high"
    proportional: Annotated[float, Number(50, Bounds(at_least=0.1, at_most=1000.0))] = 50.0
    integral: Annotated[float, Number(20, Bounds(at_least=0.1, at_most=1000.0))] = 20.0
    derivative_percent: Annotated[float, Number(0, Bounds(at_least=0.0, at_most=200.0))] = Field(
        0.0, alias="derivative"
    )
    """In percent, as the controller counts it."""

    ramp_rate_k_per_s: Annotated[float, Quantity("K/s", "5 K/min", Bounds(at_least=0.1 / 60, at_most=100 / 60))] = (
        Field(5 / 60, alias="ramp_rate")
    )
    crystal_lag_s: Annotated[float, Quantity("s", "25 s", Bounds(at_least=0.0, at_most=3600.0))] = Field(
        25.0, alias="crystal_lag"
    )
    """Time constant with which the crystal follows the sensor."""

    offset_u_k: Annotated[float, Quantity("K", "0.3 K", Bounds(at_least=0.0, at_most=10.0))] = Field(
        0.3, alias="sensor_uncertainty"
    )
    """Standard uncertainty of the crystal's temperature where the sensor says its own."""


class SafetyTable(Model):
    """What the guardian of the tube allows on this bench; no recipe and no option can widen it."""

    unattended_beam: Annotated[bool, Switch()] = False
    """Whether X-rays may be on while nobody is there."""

    max_on_time_s: Annotated[float, Quantity("s", "4 h", Bounds(above=0.0, at_most=7 * 86400.0))] = Field(
        4 * 3600.0, alias="max_on_time"
    )
    """X-rays on under one arming, all together."""

    max_dose_gy: Annotated[float, Quantity("Gy", "1 Gy", Bounds(above=0.0))] = Field(10.0, alias="max_dose")
    """Air kerma at the sample under one arming, by the calibration that the recipe cites."""

    arm_for_s: Annotated[float, Quantity("s", "12 h", Bounds(above=0.0, at_most=7 * 86400.0))] = Field(
        12 * 3600.0, alias="arm_for"
    )
    """After that nothing switches on, and what is on goes off."""

    countdown_s: Annotated[float, Quantity("s", "10 s", Bounds(at_least=0.0, at_most=600.0))] = Field(
        10.0, alias="countdown"
    )
    """From arming to the first beam."""


class TwinSettings(Model):
    """The simulated world of a simulated bench."""

    device: Annotated[str, Choice((FROM_SAMPLE, *DEVICES))] = FROM_SAMPLE
    """Which crystal is on the bench; by default the one the sample's treatment names."""

    electrodes: Annotated[
        Literal["from sample", "interdigitated", "single_gap", "injecting_gap"],
        Choice((FROM_SAMPLE, "interdigitated", "single_gap", "injecting_gap")),
    ] = "from sample"
    """What is on the crystal; by default what the sample's key says."""

    blind_seed: Annotated[int, Number(17, Bounds(at_least=0), whole=True)] | None = None
    """Draws a crystal around the named one, and a bench that is slightly off; left out, both are as they are known."""

    trap_spread: Annotated[float, Number(0.5, Bounds(at_least=0.0, at_most=3.0))] | None = None
    """Standard deviation of the logarithm of the trap levels; 0 is a single level, left out the device's."""

    temperature_k: Annotated[float, Quantity("K", "298.15 K", Bounds(at_least=200.0, at_most=350.0))] = Field(
        298.15, alias="temperature"
    )
    temperature_wander_k: Annotated[float, Quantity("K", "0.5 K", Bounds(at_least=0.0, at_most=5.0))] = Field(
        0.0, alias="temperature_wander"
    )
    """rms of its slow wander."""

    sensitivity_drift_per_h: Annotated[float, Number(-0.1, Bounds(at_least=-1.0, at_most=1.0))] = 0.0
    """Relative change of the crystal's sensitivity in an hour."""

    conduction: Annotated[Literal["parallel", "sharp"], Choice(("parallel", "sharp"))] = "parallel"
    noise: Annotated[Literal["psd", "lod"], Choice(("psd", "lod"))] = "psd"
    spectral: Annotated[Literal["flat", "energy"], Choice(("flat", "energy"))] = "flat"
    chamber_field: Annotated[Literal["covered", "partial"], Choice(("covered", "partial"))] = "covered"
    dose_nonlinearity: Annotated[Literal["mild", "none"], Choice(("mild", "none"))] = "mild"
    cold_end_k: Annotated[float, Quantity("K", "196.15 K", Bounds(at_least=77.0, at_most=300.0))] | None = Field(
        None, alias="cold_end"
    )
    """What cools the stage; left out, nothing does."""

    faults: Annotated[str, Text("beam_without_dose@100-120, compliance@300-310", rule="faults of the world")] = ""
    """What goes wrong and when, in seconds since the run began: names and times as of ``sim serve --fault``."""

    wiring: Annotated[Literal["smu", "preamplifier", "none"], Choice(("smu", "preamplifier", "none"))] = "smu"
    """Which instrument the crystal is connected to at first; the others see an open input."""


class Bench(Model):
    """A bench file: which instruments stand where, and the limits of the place."""

    name: Name
    description: Note = ""
    roles: dict[str, Role]
    limits: BenchLimits
    filters: Foils | None = None
    dosimeter: DosimeterTable | None = None
    stage: StageTable | None = None
    safety: SafetyTable | None = None
    twin: TwinSettings | None = None
    served_simulation: Annotated[bool, Switch()] = False
    """Behind these resources stand simulators that another process serves; runs say so."""

    def total_al_m(self, foil_m: float) -> float:
        """Get all aluminium in the beam with a foil behind the fixed filter."""
        return foil_m + (0.0 if self.filters is None else self.filters.fixed_m)

    @property
    def allowed(self) -> SafetyTable:
        """Get what the guardian of the tube allows, as the file says or by default."""
        return self.safety or SafetyTable.model_validate({})

    @property
    def simulated(self) -> bool:
        """Tell whether no real instrument is on this bench and its simulators live in this program."""
        return self.twin is not None

    @property
    def is_real(self) -> bool:
        """Tell whether the instruments are real, as far as the bench file says."""
        return self.twin is None and not self.served_simulation


class Sample(Model):
    """A sample file: the crystal, its geometry and what it stands."""

    name: Name
    treatment: Annotated[str, Text("mai")]
    """``untreated``, ``mai``, ``atomistic``, or a word for another surface."""

    chemical_formula: Annotated[str, Text("CH6NPbI3", r"([A-Z][a-z]?[0-9.]*)+", "element symbols with counts")] = ""
    area_m2: Annotated[float, Quantity("m^2", "0.031416 cm^2", Bounds(above=0.0, at_most=0.01))] = Field(alias="area")
    """Area that the current density refers to: the beam spot."""

    area_u_m2: Annotated[float, Quantity("m^2", "0.0006 cm^2", Bounds(at_least=0.0), relative_to="area_m2")] = Field(
        alias="area_uncertainty"
    )
    gap_m: Annotated[float, Quantity("m", "50 um", Bounds(above=0.0, at_most=0.05))] = Field(alias="gap")
    """Gap between the electrodes: nominal field = bias / gap."""

    gap_u_m: Annotated[float, Quantity("m", "3 um", Bounds(at_least=0.0), relative_to="gap_m")] = Field(
        alias="gap_uncertainty"
    )
    thickness_m: Annotated[float, Quantity("m", "1 mm", Bounds(above=0.0, at_most=0.1))] | None = Field(
        None, alias="thickness"
    )
    finger_count: Annotated[int, Number(30, Bounds(at_least=2), whole=True)] | None = None
    finger_length_m: Annotated[float, Quantity("m", "3 mm", Bounds(above=0.0, at_most=0.1))] | None = Field(
        None, alias="finger_length"
    )
    finger_width_m: Annotated[float, Quantity("m", "50 um", Bounds(above=0.0, at_most=0.05))] | None = Field(
        None, alias="finger_width"
    )
    electrodes: Annotated[
        Literal["interdigitated", "single_gap", "injecting_gap"],
        Choice(("interdigitated", "single_gap", "injecting_gap")),
    ] = "interdigitated"
    """Fingers for radiation, one gap for conductivity, one gap with ohmic contacts that inject for its traps."""

    relative_permittivity: Annotated[float, Number(32, Bounds(at_least=1.0, at_most=1000.0))] | None = None
    relative_permittivity_u: Annotated[float, Number(3, Bounds(at_least=0.0, at_most=1000.0))] | None = None
    """Standard uncertainty."""

    max_field_v_per_m: Annotated[float, Quantity("V/m", "0.5 V/um", Bounds(above=0.0))] = Field(alias="max_field")
    """Largest nominal field; times the gap it limits the bias."""

    max_dark_current_a: Annotated[float, Quantity("A", "0.3 uA", Bounds(above=0.0, at_most=1.0))] = Field(
        alias="max_dark_current"
    )
    """Largest dark current expected at the usual bias; picks the current range."""

    note: Note = ""


class Recipe(Model):
    """A recipe file: which procedure, on what, with which parameters."""

    procedure: Annotated[str, Choice(tuple(PARAMETERS))]
    title: Annotated[str, Text("Dark current at 5 V")] = ""
    description: Note = ""
    sample: FilePath
    bench: FilePath | None = None
    """The simulated bench that comes with the program when left out."""

    calibration: FilePath | None = None
    """The dose calibration of the beam; needed by procedures that state a dose."""

    extends: FilePath | None = None
    """Another recipe whose keys apply where this one says nothing; limits are not keys and always apply."""

    parameters: BiasStabilityParameters | Any
    """Of the model that `recipe_model` puts here for the procedure."""


@cache
def recipe_model(procedure: object) -> type[Recipe]:
    """Get the model of recipes of a procedure; one of an unknown name is read as the first, to go on checking."""
    parameters = PARAMETERS.get(str(procedure), BiasStabilityParameters)
    return create_model(f"{Recipe.__name__}Of{parameters.__name__}", __base__=Recipe, parameters=(parameters, ...))


FILES: dict[str, type[Model]] = {"recipe": Recipe, "sample": Sample, "bench": Bench, "calibration": DoseCalibration}
"""Kind of file -> what it may contain."""
