"""Tests of the simulated ChatCaptain."""
