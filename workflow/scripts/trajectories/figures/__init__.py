"""Figures for print, each drawn from a table."""
