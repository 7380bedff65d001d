"""What customers are worth: orders, spend and their forecasts, scored on a hold-out."""

from crm_helpers.submodules import on_first_use

__getattr__ = on_first_use(__name__)
