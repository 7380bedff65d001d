"""What a campaign really caused, and what it returned."""
