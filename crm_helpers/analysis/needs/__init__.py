"""What customers say they need: comments in Chinese and English made into topics, and what these mean."""
