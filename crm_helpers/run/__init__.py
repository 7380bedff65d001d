"""From a call of `crm run` to a published report: parameters, plan, warm kernels, execution, record."""
