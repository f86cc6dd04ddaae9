"""One source as polls and figures know it, and how polling its reports goes."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct, field

from exporter.domain.model import Days, FieldNote
from exporter.domain.scope import Scope
from exporter.domain.selectors import Companies, Entry, Selection
from exporter.ledger.day_status import DayRules
from exporter.ledger.ledger import Ledger
from exporter.metrics.label_limits import Kept, LabelLimits
from exporter.metrics.limits import CompanyLimits
from exporter.platforms.api import Discoveries, Report


class Target(Struct, frozen=True):
    """One source as the poller knows it.

    A poll starts every `interval`, up to `jitter` (a share of it) late; `requests_per_minute` is also the burst.
    `one_company`: the account is one company. The platform may lack reports that are not `required`. `limits` are
    those of limited labels. Figures below `min_group` people are not served, except 0, nor are families that match
    `excluded` globs. `selections` are the platform's own, by name, each for the discovery of that name. `selectors`
    are those of `companies` and `company_limits`, by option.
    """

    source: str
    platform: str
    reports: tuple[Report, ...]
    scope: Scope
    rules: DayRules
    interval: timedelta
    companies: Companies = Companies()
    required: frozenset[str] = frozenset()
    limits: LabelLimits = LabelLimits()
    min_group: int = 0
    excluded: tuple[str, ...] = ()
    selections: Mapping[str, Selection] = {}
    company_limits: CompanyLimits = CompanyLimits()
    selectors: Mapping[str, tuple[Entry, ...]] = {}
    jitter: float = 0.0
    requests_per_minute: int = 60
    one_company: bool = False


class Health(Struct, frozen=True):
    """How polling a report goes: moments are None before the first; `outcome` is that of the last poll.

    `read_at` is that of the newest poll that read anything. `history`: the past was asked for once. `restatements`
    counts figures changed after being served as complete, `restated_ratio` (0 to 1) is the last poll's share.
    `supported`: the platform has the report. `drift` counts fields by kind, `violations` rows by invariant,
    `fields` describes fields, all as of the last good poll. `unread` counts days per item at the last poll;
    `reason` says why it failed or an item is unread.
    """

    interval: timedelta
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    duration: float | None = None
    outcome: str | None = None
    history: bool = False
    restatements: int = 0
    restated_ratio: float = 0.0
    supported: bool = True
    drift: Mapping[str, int] = {}
    violations: Mapping[str, int] = {}
    fields: tuple[FieldNote, ...] = ()
    read_at: datetime | None = field(default=None, name="last_partial")  # the name that state files have for it
    reason: str = ""
    unread: Mapping[str, int] = {}


class ReportState(Struct, frozen=True):
    """The state of one report between polls.

    `listed` are the companies of the last good answers, wanted or not, None before the first. `to_refresh` are
    the pieces that the refresh pass still has to ask for, newest first; `refreshed_for` is its last day. `kept`
    are values of limited labels, by family. `widened`: newly wanted companies lack their past, so the next good
    poll starts a new pass, and sums wait for it.
    """

    ledger: Ledger
    health: Health
    listed: Mapping[str, str] | None = None
    to_refresh: tuple[Days, ...] = ()
    refreshed_for: date | None = None
    kept: Mapping[str, Kept] = {}
    widened: bool = False
    discoveries: Discoveries = {}
