"""ChatCaptain as a program of its own, from its documentation; the shape of its reports, which has none, is ours."""
