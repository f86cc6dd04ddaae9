"""When reports are polled, how they are asked, what is made of the answers, and the state file."""
