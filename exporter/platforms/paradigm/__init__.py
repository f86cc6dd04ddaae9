"""LightOn Paradigm: its reports, as documented or as its answers describe themselves."""
