"""Who leaves: definition, features, models, and what they stand on."""
