"""What customers say they need: comments in Chinese and English made into topics, and what these mean."""

from crm_helpers.submodules import on_first_use

__getattr__ = on_first_use(__name__)
