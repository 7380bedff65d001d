"""Reports: figures, tables, wording, template and index."""
