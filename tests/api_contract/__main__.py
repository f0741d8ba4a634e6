"""Write docs/openapi.json from the application: `make openapi`."""

from api_contract.document import FILE, PROJECT, application_document, as_text

(PROJECT / FILE).write_text(as_text(application_document()))
