"""`python -m crm_helpers` is `crm`."""

from crm_helpers.cli import main

if __name__ == "__main__":
    main()
