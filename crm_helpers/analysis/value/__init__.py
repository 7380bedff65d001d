"""What customers are worth: orders, spend and their forecasts, scored on a hold-out."""
