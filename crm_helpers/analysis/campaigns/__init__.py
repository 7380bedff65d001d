"""What a campaign really caused, and what it returned."""

from crm_helpers.submodules import on_first_use

__getattr__ = on_first_use(__name__)
