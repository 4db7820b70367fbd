"""Templates: the only room that knows Jinja."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from distributor import words
from distributor.embargo import spell, zone_of
from distributor.errors import ConfigError, Problem


class Templates:
    """The site's templates: the user's own first, then the built-in ones."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """`folders` are searched in order."""
        self.folders = tuple(folders)  #: the fixed words lie there, too
        self._environment = SandboxedEnvironment(
            loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
            autoescape=lambda name: bool(name) and str(name).endswith((".html", ".xml")),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._environment.filters["spell"] = spell
        self._environment.filters["local"] = _local
        self._environment.filters["sentence"] = _sentence
        self._environment.filters["isolated"] = words.isolated
        self._environment.filters["ltr"] = words.ltr
        self._environment.filters["both_ways"] = words.both_ways

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of template `name`; `.html` and `.xml` escape every value.

        Raises ConfigError naming the template and its line when it is missing, does not parse or raises.
        """
        try:
            return self._environment.get_template(name).render(values)
        except jinja2.TemplateNotFound as error:
            raise ConfigError(Problem(text=f"template '{error}' is missing", file=name)) from None
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError(
                Problem(text=f"{error.message}", file=error.filename or name, line=error.lineno)
            ) from None
        except Exception as error:  # a template may raise anything: it is a person's program
            line, file = _place(error, name)
            raise ConfigError(
                Problem(text=f"the template fails: {type(error).__name__}: {error}", file=file, line=line)
            ) from error


def _place(error: Exception, name: str) -> tuple[int | None, str]:
    """The innermost template line of a traceback."""
    line, file, frame = None, name, error.__traceback__
    while frame:
        code = frame.tb_frame.f_code.co_filename
        if code.endswith(name.rpartition("/")[2]) or "templates" in Path(code).parts:
            line, file = frame.tb_lineno, code
        frame = frame.tb_next
    return line, file


def _sentence(text: str) -> str:
    """A capital letter where it begins with a plain word; a file, a field or a quotation stays as it is."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].replace("-", "").isalpha() else text


def _local(instant: datetime, zone: str, form: str) -> str:
    """`{{ lift | local(zone, '%d %B %Y') }}`."""
    return instant.astimezone(zone_of(zone)).strftime(form)
