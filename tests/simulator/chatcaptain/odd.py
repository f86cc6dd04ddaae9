"""How an operator reads the shape `odd`, which no rule can read."""

from collections.abc import Mapping

from exporter.simulator.chatcaptain.components import COMPONENTS


def _odd_override(number: int, name: str) -> Mapping[str, str]:
    found = f"stats[?k=='c{number}'].n.v | [0]"
    if "_INTERVAL" in name:
        return {"series": found, "time": "t", "value": "q"}
    if name.removesuffix("_FOR_CHANNEL_ID").endswith(("COUNT", "MEDIAN", "TOTAL", "TREND")):
        return {"value": found}
    return {"items": found, "label": "w", "value": "q"}


ODD_OVERRIDES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    report: {name: _odd_override(number, name) for number, name in enumerate(names)}
    for report, names in COMPONENTS.items()
}
"""JMESPath expressions that read the shape `odd`, by report and component, as `overrides` has them."""
