"""Executed notebooks as Markdown, ``jupyter nbconvert --to linclf-markdown``: a short file and a folder of pictures.

nbconvert's own Markdown takes each output's HTML, and with it every picture as text within the file.
"""

import re
from typing import Any

from nbconvert.exporters import MarkdownExporter
from traitlets import default
from traitlets.config import Config

from .render import without_progress
from .views.bundles import markdown


class LinclfMarkdownExporter(MarkdownExporter):
    """Text, tables and pictures, each picture a file; code only where a page shows it, too."""

    export_from_notebook = "Markdown with pictures"

    @property
    def default_config(self) -> Config:
        """What nbconvert prefers where an output has several types; options of the command come before it."""
        kinds = ["image/png", "image/jpeg", "image/svg+xml", "text/markdown", "text/html", "text/latex", "text/plain"]
        config = super().default_config
        config.merge(Config(NbConvertBase={"display_data_priority": kinds}))
        return config

    @default("raw_template")
    def _raw_template(self) -> str:
        return """
{%- extends 'markdown/index.md.j2' -%}
{%- block input -%}
{%- if 'show' in cell.metadata.get('tags', []) -%}
{{ super() }}
{%- endif -%}
{%- endblock input -%}
{%- block data_png -%}
{%- set described = output.metadata.get('image/png', {}).get('alt') or 'picture' %}
![{{ described | literal }}]({{ output.metadata.filenames['image/png'] | path2url }})
{% endblock -%}
"""

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        """Without the lines of progress, which differ from run to run, and without more than one blank line."""
        self.environment.filters["literal"] = markdown
        text, resources = super().from_notebook_node(without_progress(nb), resources, **kw)
        return re.sub(r"\n{3,}", "\n\n", text).lstrip(), resources
