"""Tests of the simulated Paradigm."""
