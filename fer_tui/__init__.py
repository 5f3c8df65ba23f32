"""fer-tui: a terminal explorer of explanations for image-classifying CNNs."""
