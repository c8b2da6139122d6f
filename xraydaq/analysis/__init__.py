"""Evaluation of measured arrays: every function takes arrays and returns values with their standard uncertainty."""
