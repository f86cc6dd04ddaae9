"""The simulated ChatCaptain, from its documentation; the shapes of its undocumented reports are invented."""
