"""Who the customers are: features, rules, clusters, names that last, and the verdict on them."""

from crm_helpers.submodules import on_first_use

__getattr__ = on_first_use(__name__)
