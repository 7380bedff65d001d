"""Who leaves: definition, features, models, and what they stand on."""

from crm_helpers.submodules import on_first_use

__getattr__ = on_first_use(__name__)
