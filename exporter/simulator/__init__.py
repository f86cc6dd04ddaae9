"""The platforms as programs of their own, with plausible figures and their troubles; knows nothing of our decoders."""
