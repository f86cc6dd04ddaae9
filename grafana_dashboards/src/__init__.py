"""Writes the dashboards: questions (`queries`), how they look (`language`), one module per dashboard, the finish.

A development part: it needs grafana-foundation-sdk and is in no wheel and no image. `make dashboards` runs it.
"""
