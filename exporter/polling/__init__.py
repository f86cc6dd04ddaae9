"""When reports are polled, which days are requested, and how answers are processed."""
