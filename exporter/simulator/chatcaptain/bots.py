"""Chatbots, keys and channels of the simulated ChatCaptain; pure, from a seed."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from exporter.simulator.chance import token
from exporter.simulator.paradigm.companies import Company, populate
from exporter.simulator.paradigm.world import SimulatedPlatform

USUAL_CHANNELS = 5
_LEAST_SIZE = 120.0  # conversations on a business day, so that the smallest channel of a demo has some
_CHANNELS = (
    ("Website", "web"),
    ("Hotline", "voice"),
    ("WhatsApp", "meta-whatsapp"),
    ('Insta "Zoë" 🚀', "instagram"),
    ("Selbsttest", "debug"),
    ("Website", "web"),  # the name of another one
    ("Störungs-Hotline", "voice"),
    ("Service après-vente", "telegram"),
    ("Intranet, RZ Süd", "web"),
    ("info@", "email"),
)


class Channel(Struct, frozen=True):
    """One channel of a chatbot; `share` is its part (ratio) of the chatbot's conversations."""

    id: str
    name: str
    type: str
    share: float


class Chatbot(Struct, frozen=True):
    """One chatbot and its only key; `habits` is the company that runs it."""

    id: str
    key: str
    habits: Company
    channels: tuple[Channel, ...]


class Bots(SimulatedPlatform, frozen=True):
    """A simulated ChatCaptain with its chatbots; equal seeds make equal ones."""

    chatbots: tuple[Chatbot, ...]

    @classmethod
    def from_seed(
        cls, seed: int, chatbot_count: int = 1, channel_count: int = USUAL_CHANNELS, zone: ZoneInfo | None = None
    ) -> "Bots":
        """Makes `chatbot_count` chatbots, each with `channel_count` channels; `zone` defaults to UTC."""
        chatbots = tuple(_chatbot(seed, company, channel_count) for company in populate(seed, chatbot_count))
        return cls(seed=seed, zone=zone or ZoneInfo("UTC"), chatbots=chatbots)

    def chatbot(self, chatbot_id: str) -> Chatbot | None:
        return next((chatbot for chatbot in self.chatbots if chatbot.id == chatbot_id), None)

    def each(self, change: Callable[[Chatbot], Chatbot]) -> "Bots":
        return replace(self, chatbots=tuple(map(change, self.chatbots)))


def _chatbot(seed: int, company: Company, channel_count: int) -> Chatbot:
    number = company.id
    whole = sum(1 / rank for rank in range(1, channel_count + 1))
    return Chatbot(
        id=f"bot_{token(12, seed, 'chatbot', number)}",
        key=f"CCSB-{token(8, seed, 'chatbot', number, 'prefix')}-{token(12, seed, 'chatbot', number, 'secret')}",
        habits=replace(company, size=max(company.size, _LEAST_SIZE), tenure=None),
        channels=tuple(
            Channel(token(6, seed, "channel", number, rank), *_CHANNELS[rank % len(_CHANNELS)], 1 / (rank + 1) / whole)
            for rank in range(channel_count)
        ),
    )
