"""What bench, sample and recipe files may contain."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

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

DEVICES = ("untreated", "mai", "atomistic")
"""Treatments of which the simulated bench knows a crystal."""

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


class TwinSettings(Model):
    """The simulated world of a simulated bench."""

    device: Annotated[str, Choice((FROM_SAMPLE, *DEVICES))] = FROM_SAMPLE
    """Which crystal is on the bench; by default the one the sample's treatment names."""

    temperature_k: Annotated[float, Quantity("K", "298.15 K", Bounds(at_least=200.0, at_most=350.0))] = Field(
        298.15, alias="temperature"
    )
    conduction: Annotated[Literal["parallel", "sharp"], Choice(("parallel", "sharp"))] = "parallel"
    noise: Annotated[Literal["psd", "lod"], Choice(("psd", "lod"))] = "psd"
    spectral: Annotated[Literal["flat", "energy"], Choice(("flat", "energy"))] = "flat"
    chamber_field: Annotated[Literal["covered", "partial"], Choice(("covered", "partial"))] = "covered"
    dose_nonlinearity: Annotated[Literal["mild", "none"], Choice(("mild", "none"))] = "mild"
    cold_end_k: Annotated[float, Quantity("K", "196.15 K", Bounds(at_least=77.0, at_most=300.0))] | None = Field(
        None, alias="cold_end"
    )
    """What cools the stage; left out, nothing does."""

    wiring: Annotated[Literal["smu", "preamplifier"], Choice(("smu", "preamplifier"))] = "smu"
    """Which instrument the crystal is connected to; the other one sees an open input."""


class Bench(Model):
    """A bench file: which instruments stand where, and the limits of the place."""

    name: Name
    description: Note = ""
    roles: dict[str, Role]
    limits: BenchLimits
    filters: Foils | None = None
    dosimeter: DosimeterTable | None = None
    twin: TwinSettings | None = None
    served_simulation: Annotated[bool, Switch()] = False
    """Behind these resources stand simulators that another process serves; runs say so."""

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

    extends: FilePath | None = None
    """Another recipe whose keys apply where this one says nothing; limits are not keys and always apply."""

    parameters: BiasStabilityParameters


FILES: dict[str, type[Model]] = {"recipe": Recipe, "sample": Sample, "bench": Bench}
"""Kind of file -> what it may contain."""
