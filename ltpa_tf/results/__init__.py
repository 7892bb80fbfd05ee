"""Many trainings of few configs: their results, and the tables made of them."""
