"""What each channel does and where the next unit of money goes."""

from crm_helpers.submodules import on_first_use

__getattr__ = on_first_use(__name__)
