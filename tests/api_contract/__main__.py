"""Writes docs/openapi.json from the application: `make openapi`."""

from api_contract.document import FILE, PROJECT, application_document, written

(PROJECT / FILE).write_text(written(application_document()))
