"""PromQL over daily figures: which series a dashboard asks for, and on which day a bar stands.

Three readings of a measure, and the traps that each is made for:

now       `max by (...) (last_over_time(x[1h]))`: a lost scrape leaves no hole, two replicas count once
days      read with a step of a day, the figure of day D at D 00:00 UTC. It is served for 24 hours from its flip on:
          where days are UTC's from D+1 in the morning to D+2, so it is what was served at 23:00 on D+1; far in the
          east from D in the evening, so it is what was served at 10:00 on D+1; the newest day is what is served at the
          end of the range, so that it is drawn as soon as a headline has it. Whichever it is, the report's day was D
          then (`chat_usage_report_day_timestamp_seconds`), or it is no figure of D: the report was late
usual, limits  the same, as they belong to the same day

Prometheus decodes every sample of the time range, whatever the windows: at a scrape every 30 s a month of a thousand series
takes it a second or two, for each reading. So what asks for many companies reads the past from recordings (group
chat-usage-days of the alert rules): one an hour, and only while the report's day is the date before, in UTC. The newest day is read as it is scraped. Where the rules are not loaded, the variable $recorded says so.

Two releases in one Prometheus never hide each other: cluster, namespace and job stay beside the source, as in the alert rules.
"""

from dataclasses import dataclass

RELEASE = ("cluster", "namespace", "job")
"""What tells two releases apart; series that were written without such a label are of all."""
RELEASE_CHOSEN = tuple(f'{label}=~"${label}"' for label in RELEASE)
SOURCE = 'source=~"$source"'
BY_SOURCE = (*RELEASE, "source")
COMPANY = (*BY_SOURCE, "company_id", "company")
SAME_LABELS = ", ".join((*BY_SOURCE, "report", "company_id", "company", "activity"))
SAME_SERIES = f"on ({SAME_LABELS})"
"""What figures, their usual and their limits are matched by."""
PAST = ("[3h] offset -47h", "[4h] offset -34h")
"""From D 00:00 on, D+1 from 20:00 to 23:00 and from 06:00 to 10:00, each with what was served last."""
OF_YESTERDAY = "[23h] offset -47h"
"""From D 00:00 on, D+1 to 23:00: what a recording holds there is of D."""
NEWEST = "[1h] @ end()"
"""What is served now, of the newest D."""
BEGINS = "+ 5400) < 43200"
"""D begins from 13.5 hours before D 00:00 UTC to 10.5 hours after it: in Auckland, in Honolulu, and all between."""
TO_ITS_DATE = 48600
"""Seconds from the start of a day, wherever it is, to a moment that has the same date in UTC."""
OF_ITS_DAY = "[1d] offset -1d"
"""From D 00:00 on, the one sample of a history at D 12:00."""
ACTIVITY = "chat_usage_activity"
DAY_STARTED = "chat_usage_report_day_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure without its window; `report` tells its days, `""` where its series say so themselves.

    `labels` are kept beside those of the company, `matchers` are further ones.
    """

    name: str
    report: str = ""
    labels: tuple[str, ...] = ()
    matchers: tuple[str, ...] = ()

    @property
    def has_history(self) -> bool:
        """Whether a history holds it: it has what platforms report, and not what is judged by it."""
        return self.name != ACTIVITY


def activity(matcher: str) -> Measure:
    """Returns what alerts judge: `matcher` chooses activities, e.g. `activity="user_queries"`."""
    return Measure(ACTIVITY, labels=("report", "activity"), matchers=(matcher,))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a dashboard shows, by its variables.

    `of_source` stand in every selector, `of_company` where companies are, `by_label` where the label is; `recorded` is
    whether the past is read from recordings.
    """

    of_source: tuple[str, ...]
    of_company: tuple[str, ...] = ()
    by_label: tuple[tuple[str, str], ...] = ()
    recorded: bool = False

    def now(self, name: str, measure: Measure | None = None, *labels: str) -> str:
        """Returns what a family of companies says now; `name` is the family's, with its window."""
        labels = labels or (measure.labels if measure else ())
        return f"max by ({_list(*COMPANY, *labels)}) (last_over_time({self.selected(name, measure)}[1h]))"

    def last_day(self, measure: Measure) -> str:
        """Returns the figures of the newest complete day."""
        return self.now(f"{measure.name}_last_day", measure)

    def today(self, measure: Measure) -> str:
        """Returns the figures of the running day; they go at midnight, so ten minutes back and not an hour."""
        return self.last_day(measure).replace("_last_day", "_today").replace("[1h]", "[10m]")

    def sums(self, measure: Measure, window: str) -> str:
        """Returns sums over `7d` or `28d`."""
        return self.now(f"{measure.name}_{window}", measure)

    def days(self, measure: Measure, suffix: str = "last_day", *labels: str) -> str:
        """Returns figures that stand on their day, when read with a step of a day from a midnight UTC on."""
        labels = labels or measure.labels
        scraped = self._scraped(measure, suffix, labels)
        if suffix != "last_day" or not measure.has_history:
            return scraped
        past = self._history(measure, labels)
        return f"({past} or on ({_list('source', 'company_id', *labels)}) {scraped})"

    def _history(self, measure: Measure, labels: tuple[str, ...]) -> str:
        """Returns the figures of a history, if it is wanted."""
        selector = self.selected(f"{measure.name}_daily", measure, HISTORY)
        return f"max by ({_list(*COMPANY, *labels)}) (last_over_time({selector}{OF_ITS_DAY}))"

    def _scraped(self, measure: Measure, suffix: str, labels: tuple[str, ...]) -> str:
        name = f"{measure.name}_{suffix}"
        how = (SCRAPED,) if self.recorded else ()
        read = [self._read(name, measure, labels, reading, *how) for reading in PAST]
        if self.recorded:
            selector = self.selected(f"company:{name}:yesterday", measure, RECORDED)
            read = [f"max by ({_list(*COMPANY, *labels)}) (last_over_time({selector}{OF_YESTERDAY}))", *read]
        return f"({' or '.join((*read, self._read(name, measure, labels, NEWEST)))})"

    def _read(self, name: str, measure: Measure, labels: tuple[str, ...], reading: str, *how: str) -> str:
        """Returns one reading of a family as scraped, where its day was then what it is drawn on."""
        on = _list(*BY_SOURCE, *(("report",) if "report" in labels else ()))
        return (
            f"max by ({_list(*COMPANY, *labels)}) (last_over_time({self.selected(name, measure, *how)}{reading}))"
            f" and on ({on}) {self._is_of_the_day(measure.report, reading)}"
        )

    def selected(self, name: str, measure: Measure | None = None, *more: str) -> str:
        """Returns the selector of a family in this scope; `more` are further matchers."""
        labels = measure.labels if measure else ()
        wanted = [matcher for label, matcher in self.by_label if label in labels]
        own = measure.matchers if measure else ()
        return f"{name}{{{_list(*self.of_source, *self.of_company, *wanted, *own, *more)}}}"

    def _is_of_the_day(self, report: str, reading: str) -> str:
        """Returns something for each source (and report) whose figures, as read for a day, are of that day."""
        matchers = _list(*self.of_source, *((f'report="{report}"',) if report else ()))
        by = _list(*BY_SOURCE, *(() if report else ("report",)))
        read = f"last_over_time({DAY_STARTED}{{{matchers}}}{reading})"
        return f"(abs(max by ({by}) ({read}) - time() {BEGINS})"


def total(expression: str, *by: str) -> str:
    """Adds up companies, by labels if any are given."""
    return f"sum by ({_list(*by)}) ({expression})" if by else f"sum({expression})"


def share(part: str, whole: str, least: int = 0) -> str:
    """Divides; there is no share of nothing, nor of a whole that is less than `least`."""
    return f"{part} / ({whole} > 0)" if least == 0 else f"{part} / ({whole} >= {least})"


def day_of(scope: Scope, more: str = "") -> str:
    """Returns the start of each report's newest complete day."""
    selector = f"{DAY_STARTED}{{{_list(*scope.of_source)}}}"
    return f"max by ({_list(*BY_SOURCE, 'report')}) (last_over_time({selector}[1h]{more}))"


def a_week_before(scope: Scope, measure: Measure) -> str:
    """Returns the figures that were served a week ago, where they were those of the same weekday."""
    then = scope.last_day(measure).replace("[1h]", "[1h] offset 7d")
    of_report = f'report="{measure.report}"'
    now, before = (day_of(scope, more).replace("}", f", {of_report}}}") for more in ("", " offset 7d"))
    return f"({then} and on ({_list(*BY_SOURCE)}) abs({now} - {before} - 604800) < 7200)"


def change(scope: Scope, measure: Measure) -> str:
    """Returns by how much the last day is above the same weekday of the week before, as a share of that."""
    return f"{share(total(scope.last_day(measure)), total(a_week_before(scope, measure)))} - 1"


def largest(scope: Scope, measure: Measure, most: int) -> str:
    """Returns something for each of the companies with the largest baseline now, by source: the same on each day."""
    usual = scope.now(f"{measure.name}_baseline", measure).replace("[1h]", NEWEST)
    return f"topk({most}, {total(usual, 'source', 'company')})"


def over_days(expression: str, how: str, days: int) -> str:
    """Takes `days` (see the module) and puts them together, `how` being sum, avg, count, max."""
    return f"{how}_over_time(({expression})[{days}d:1d])"


def within_sight(limits: str, days: str, usual: str) -> str:
    """Leaves out limits far above everything else, which would press the days to the ground.

    In sight is what is at most one and a half times the larger of the usual (20, where less is usual) and the day's figure.
    """
    either = f'label_replace(clamp_min({usual}, 20), "of", "usual", "", "") or {days}'
    larger = f"max by ({SAME_LABELS}) ({either})"
    return f"({limits} <= on ({SAME_LABELS}) group_left () 1.5 * {larger})"


def for_each(limits: str, figure: str) -> str:
    """Repeats a figure for each limit that it may be compared with, with the limit's labels."""
    return f"{figure} * {SAME_SERIES} group_right () (({limits}) * 0 + 1)"


def by_unit(expression: str, measure: Measure, *, counts: str, shares: str) -> str:
    """Returns what is asked of activities that are counts, and of those that are shares; `{}` is the expression there."""
    (matcher,) = measure.matchers
    of_counts, of_shares = (expression.replace(matcher, f"{matcher}, {which}") for which in (OF_COUNTS, OF_SHARES))
    return f"{counts.format(of_counts)} or {shares.format(of_shares)}"


def in_per_cent(expression: str, measure: Measure) -> str:
    """Makes shares per cent, for tables, whose columns have one unit."""
    return by_unit(expression, measure, counts="({})", shares="100 * ({})")


def together(expression: str, measure: Measure) -> str:
    """Adds up an activity of companies, and takes the mean of shares, with the label that makes them shares to a legend."""
    return by_unit(expression, measure, counts="sum({})", shares=f'label_replace(avg({{}}), {_OF_SHARES}, "", "")')


def as_shares(expression: str) -> str:
    """Gives limits of shares the label that makes them shares to a legend."""
    return f'label_replace({expression}, {_OF_SHARES}, "activity", ".+_share")'


_OF_SHARES = '"of", " share"'


def _list(*words: str) -> str:
    return ", ".join(words)


OF_SHARES, OF_COUNTS = 'activity=~".+_share"', 'activity!~".+_share"'
HISTORY = 'source=~"$history"'
"""The variable's value is every source or none."""
RECORDED, SCRAPED = 'source=~"$recorded"', 'source!~"$recorded"'
"""The same for recordings and, the other way round, for scrapes."""
OF_SOURCES = (*RELEASE_CHOSEN, SOURCE)
OF_MODE = (("mode", 'mode=~"$mode"'),)
FLEET = Scope(OF_SOURCES, ('company=~"$company"',), OF_MODE, recorded=True)
"""Any number of companies."""
ONLY = Scope(OF_SOURCES, ('company="$only"',), OF_MODE, recorded=True)
"""The company of a fleet that is chosen alone; nobody where several are."""
ONE = Scope(OF_SOURCES, ('company="$company"',), OF_MODE)
"""One company: its name is compared as it is written, as it may hold what a regular expression reads otherwise."""

SESSIONS = Measure("paradigm_sessions", "chat-sessions", ("mode",))
QUERIES = Measure("paradigm_user_queries", "chat-sessions", ("mode",))
RESPONSES = Measure("paradigm_model_responses", "chat-sessions", ("mode",))
GROUNDED = Measure("paradigm_model_responses_with_docs", "chat-sessions", ("mode",))
SESSION_LENGTH = Measure("paradigm_session_length_average", "chat-sessions", ("mode",))
FEEDBACKS = Measure("paradigm_feedbacks", "chats-feedback", ("feedback",))
LIKES = Measure("paradigm_feedbacks", "chats-feedback", ("feedback",), ('feedback="like"',))
DISLIKES = Measure("paradigm_feedbacks", "chats-feedback", ("feedback",), ('feedback="dislike"',))
OPINIONS = Measure("paradigm_feedbacks", "chats-feedback", ("feedback",), ('feedback=~"like|dislike"',))
RATED = Measure("paradigm_feedback_model_responses", "chats-feedback")
TOOL_USES = Measure("paradigm_tool_uses", "tools", ("tool",))
DOCUMENT_USES = Measure("paradigm_document_uses", "used-documents")
DOCUMENTS = Measure("paradigm_documents_used", "used-documents")
ACTIVE_USERS = Measure("paradigm_active_users", "user-activities")
USE = activity('activity=~"user_queries|conversations"')
"""How much a company asks: queries of Paradigm, conversations of a chatbot; a company has one or the other."""
