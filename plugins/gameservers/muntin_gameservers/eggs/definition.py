"""What an egg is: everything the five exchange formats hold, in one shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from muntin_gameservers.eggs.json_values import Json, JsonMap, Path
from muntin_gameservers.eggs.storage import as_text, from_pairs, from_text, known, pairs, plain


class EggVersion(StrEnum):
    """The exchange formats, oldest first of each family."""

    PTDL_V1 = "PTDL_v1"
    PTDL_V2 = "PTDL_v2"
    PLCN_V1 = "PLCN_v1"
    PLCN_V2 = "PLCN_v2"
    PLCN_V3 = "PLCN_v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a file wrote a value that we would write differently, such as `1` for `true` or `{}` for an empty list.

    It never changes what is meant: it is used again only while the value is still the one it was read as.
    """

    path: Path
    meant: str  # digest of the value as we write it
    written: Json = None
    absent: bool = False  # the file did not have the key at all

    @classmethod
    def from_json(cls, stored: JsonMap) -> "Spelling":
        """The spelling stored as part of an egg."""
        spelling = cls(**known(cls, stored))
        return replace(spelling, path=tuple(spelling.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableDefinition:
    """One setting of a game, handed to its process as an environment variable."""

    name: str
    env_variable: str
    description: str | None = None
    default_value: str = ""
    user_viewable: bool = False
    user_editable: bool = False
    rules: tuple[str, ...] = ()  # Laravel rules one by one, e.g. ("required", "max:20")
    sort: int | None = None  # place in a form, ascending; PLCN only
    field_type: str | None = None  # "text" wherever seen; PTDL_v2 only
    extra: JsonMap = field(default_factory=dict)  # keys nobody here knows, kept

    @classmethod
    def from_json(cls, stored: JsonMap) -> "VariableDefinition":
        """The variable stored as part of an egg."""
        variable = cls(**known(cls, stored))
        return replace(variable, rules=tuple(variable.rules))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallScript:
    """What fills a server's folder, run as root in `container`. An empty `script` means nothing is to be run."""

    script: str = ""  # lines end in LF
    container: str = ""
    entrypoint: str = ""
    extra: JsonMap = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EggConfig:
    """How a running server is configured, recognised as ready, and stopped."""

    files: JsonMap = field(default_factory=dict)  # path -> {"parser": ..., "find": {locator: value}}
    startup: JsonMap = field(default_factory=dict)  # {"done": text or list, "strip_ansi": bool}
    logs: JsonMap = field(default_factory=dict)  # obsolete, kept
    stop: str = ""  # a console command, or a signal when it begins with ^
    extra: JsonMap = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """The configuration as part of a stored egg."""
        return {
            "files": as_text(self.files),
            "startup": as_text(self.startup),
            "logs": as_text(self.logs),
            "stop": self.stop,
            "extra": dict(self.extra),
        }

    @classmethod
    def from_json(cls, stored: JsonMap) -> "EggConfig":
        """The configuration stored as part of an egg."""
        given = known(cls, stored)
        return cls(**given | {name: from_text(given[name]) for name in ("files", "startup", "logs")})


@dataclass(frozen=True, slots=True, kw_only=True)
class EggDefinition:
    """A game definition. `version` is the format it was read in, and written in when nothing else is asked for.

    The first image and the first start command are the defaults; both maps keep their order.
    """

    name: str
    version: EggVersion = EggVersion.PTDL_V2
    comment: str | None = None
    update_url: str | None = None
    exported_at: str | None = None  # ISO 8601, as the file had it
    author: str | None = None
    description: str | None = None
    uuid: str | None = None
    tags: tuple[str, ...] = ()
    icon: str | None = None  # a data: URI
    features: tuple[str, ...] = ()
    docker_images: Mapping[str, str] = field(default_factory=dict)  # label -> image
    file_denylist: tuple[str, ...] = ()  # gitignore patterns
    startup_commands: Mapping[str, str] = field(default_factory=dict)  # label -> command
    config: EggConfig = field(default_factory=EggConfig)
    installation: InstallScript = field(default_factory=InstallScript)
    variables: tuple[VariableDefinition, ...] = ()
    extra: JsonMap = field(default_factory=dict)
    meta_extra: JsonMap = field(default_factory=dict)
    scripts_extra: JsonMap = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)  # usual key -> the other one the file used for it
    spellings: tuple[Spelling, ...] = ()

    @property
    def startup(self) -> str:
        """The default start command; empty when the egg has none."""
        return next(iter(self.startup_commands.values()), "")

    @property
    def docker_image(self) -> str:
        """The default image; empty when the egg has none."""
        return next(iter(self.docker_images.values()), "")

    def as_json(self) -> dict[str, Json]:
        """This egg as a JSON mapping for a database column; `from_json` gives the same egg back, order included."""
        stored = {each.name: plain(getattr(self, each.name)) for each in fields(self)}
        stored["docker_images"] = pairs(self.docker_images)
        stored["startup_commands"] = pairs(self.startup_commands)
        stored["config"] = self.config.as_json()
        return stored

    @classmethod
    def from_json(cls, stored: JsonMap) -> "EggDefinition":
        """The egg that `as_json` stored. The mapping is trusted: it comes from our own database."""
        given = known(cls, stored)
        given["version"] = EggVersion(given["version"])
        given["config"] = EggConfig.from_json(given["config"])
        given["installation"] = InstallScript(**known(InstallScript, given["installation"]))
        given["variables"] = tuple(VariableDefinition.from_json(each) for each in given["variables"])
        given["spellings"] = tuple(Spelling.from_json(each) for each in given["spellings"])
        for ordered in ("docker_images", "startup_commands"):
            given[ordered] = from_pairs(given[ordered])
        for several in ("tags", "features", "file_denylist"):
            given[several] = tuple(given[several])
        return cls(**given)
