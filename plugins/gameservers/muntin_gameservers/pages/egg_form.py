"""An egg as a form: maps and lists are lines of text, JSON is text in an editor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import Field, StringConstraints

from muntin.dialects import validate
from muntin.errors import InvalidInput
from muntin.pages import forms
from muntin.schemas import Input
from muntin.translation import _
from muntin_gameservers.nests.schemas import Egg, EggChanges, EggIn

Model = TypeVar("Model", bound=Input)
Long = Annotated[str, StringConstraints(max_length=512 * 1024)]


class EggForm(Input):
    """What the form sends."""

    name: str
    author: str = ""
    description: Long = ""
    startup: Long
    docker_images: Long = Field(json_schema_extra={"kind": "textarea", "rows": 4})
    stop_command: str = ""
    startup_done: Long = ""
    script: Long = ""
    container: str = ""
    entrypoint: str = ""
    config_files: Long = ""
    features: Long = ""
    file_denylist: Long = ""


LABELS: dict[str, forms.Field] = {
    "name": {"label": _("Name")},
    "author": {"label": _("Author"), "help": _("An e-mail address.")},
    "description": {"label": _("Description"), "kind": "textarea", "rows": 3},
    "startup": {"label": _("Start command"), "kind": "textarea", "rows": 3, "section": _("Running")},
    "docker_images": {
        "label": _("Images"),
        "kind": "textarea",
        "help": _("One on each line as label = image; the first one is the default."),
        "section": _("Running"),
    },
    "stop_command": {
        "label": _("Stop"),
        "help": _("A console command, or a signal such as ^C."),
        "section": _("Running"),
    },
    "startup_done": {
        "label": _("Ready when the console shows"),
        "kind": "textarea",
        "rows": 2,
        "help": _("One text on each line; any of them will do."),
        "section": _("Running"),
    },
    "config_files": {
        "label": _("Configuration files"),
        "kind": "editor",
        "language": "json",
        "section": _("Running"),
    },
    "script": {"label": _("Install script"), "kind": "editor", "language": "shell", "section": _("Installing")},
    "container": {"label": _("Image of the install script"), "section": _("Installing")},
    "entrypoint": {"label": _("Run by"), "help": _("A shell of that image, such as bash."), "section": _("Installing")},
    "features": {
        "label": _("Features"),
        "kind": "textarea",
        "rows": 2,
        "help": _("One on each line."),
        "section": _("More"),
    },
    "file_denylist": {
        "label": _("Files that users may not touch"),
        "kind": "textarea",
        "rows": 3,
        "help": _("One pattern on each line."),
        "section": _("More"),
    },
}


def as_text(egg: Egg) -> dict[str, str]:
    """The stored egg as the form shows it."""
    return {
        "name": egg.name,
        "author": egg.author,
        "description": egg.description or "",
        "startup": egg.startup,
        "docker_images": _image_lines(egg.docker_images),
        "stop_command": egg.stop_command,
        "startup_done": "\n".join(egg.startup_done),
        "script": egg.install_script.script,
        "container": egg.install_script.container,
        "entrypoint": egg.install_script.entrypoint,
        "config_files": orjson.dumps(egg.config_files, option=orjson.OPT_INDENT_2).decode(),
        "features": "\n".join(egg.features),
        "file_denylist": "\n".join(egg.file_denylist),
    }


def changes_of(form: EggForm, before: Egg) -> EggChanges:
    """What the form changes; fields that say what they said before are left out.

    Raises:
        InvalidInput: Names the fields of the form.
    """
    shown = as_text(before)
    sent = {name: _lf(text) for name, text in form.model_dump().items()}
    changed = {name: text for name, text in sent.items() if text.rstrip("\n") != _lf(shown[name]).rstrip("\n")}
    return _validated(EggChanges, _parsed(changed))


def egg_of(form: EggForm) -> EggIn:
    """The new egg that the form describes.

    Raises:
        InvalidInput: Names the fields of the form.
    """
    sent = form.model_dump(include=set(EggForm.model_fields))
    return _validated(EggIn, _parsed({name: _lf(text) for name, text in sent.items()}))


def _parsed(sent: Mapping[str, str]) -> dict[str, Any]:
    """What the texts of the form stand for, by the names of the API."""
    values: dict[str, Any] = {
        name: sent[name] for name in ("name", "author", "startup", "stop_command") if name in sent
    }
    if "description" in sent:
        values["description"] = sent["description"] or None
    values |= {name: _lines(sent[name]) for name in ("startup_done", "features", "file_denylist") if name in sent}
    if "docker_images" in sent:
        values["docker_images"] = _images(sent["docker_images"])
    if "config_files" in sent:
        values["config_files"] = _json(sent["config_files"])
    script = {name: sent[name] for name in ("script", "container", "entrypoint") if name in sent}
    return {**values, "install_script": script} if script else values


def _validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    try:
        valid: Model = validate(model, values)
    except InvalidInput as error:
        raise InvalidInput(
            {name.removeprefix("install_script."): said for name, said in error.fields.items()}
        ) from error
    return valid


def _image_lines(images: Mapping[str, str]) -> str:
    return "\n".join(image if label == image else f"{label} = {image}" for label, image in images.items())


def _images(text: str) -> dict[str, str]:
    """Label -> image; the image stands behind the last equals sign, which no image holds."""
    pairs = [line.rpartition("=") for line in _lines(text)]
    return {(label.strip() or image.strip()): image.strip() for label, _sign, image in pairs}


def _json(text: str) -> Any:
    try:
        return orjson.loads(text or "{}")
    except orjson.JSONDecodeError as error:
        raise InvalidInput.of("config_files", _("This is not JSON: {reason}.", reason=str(error))) from error


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _lf(text: str) -> str:
    """Browsers send CR LF, which no shell takes."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def fields_of(values: Mapping[str, Any], errors: Mapping[str, Iterable[str]]) -> list[forms.Field]:
    """The fields of the form."""
    return forms.fields(EggForm, values, errors={name: list(said) for name, said in errors.items()}, more=LABELS)
