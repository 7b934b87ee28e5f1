"""What is fuzzed: a module for each group of kinds."""
