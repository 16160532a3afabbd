"""Draws a shop and street photos with exact ground truth, as files. Imports no other package."""
