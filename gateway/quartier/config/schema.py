"""The JSON Schema of the site file, for editors that complete and check while one types."""

import json

from quartier.config.model import Site


def schema() -> str:
    """JSON text; editors with TOML support take it as ``#:schema ./site.schema.json`` in line 1."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Site.model_json_schema()}
    return json.dumps(described | {"title": "Quartier site file"}, indent=2, ensure_ascii=False) + "\n"
