"""The values that flow through Trailbell: immutable, without logic and without I/O.

In the order in which an event meets them: a record comes in (`events`), policies decide (`policies`, with their `matchers` and
`channels`; `decisions`), it is masked (`masking`) and becomes a message (`messages`) that is posted (`delivery`). `findings` are
about policy sets. These are the names that other rooms import; the state of a deployed stack stands apart, in
`engine.model.stack`, since only `doctor` reads it.
"""

from engine.model.channels import Channel, DigestRule, IncidentKey, IncidentRule, WebhookRef
from engine.model.decisions import (
    Decision,
    Failure,
    MatcherKind,
    MatchResult,
    Request,
    Suppression,
    TraceEntry,
    Verdict,
    VoidRule,
)
from engine.model.delivery import Claim, Claims, Delivery, HttpResponse, LogFiles, Outcome, Ports, PostFault, RecordOutcome
from engine.model.events import DecodeError, Document, Event, FactGroups, Facts, FetchedFile, LogFilePlace, PassedOver, Record
from engine.model.findings import Edit, Finding, FindingSeverity, Location
from engine.model.masking import (
    CLIENT_ON,
    FIELD_OPERATORS,
    INHERITED_OPERATORS,
    OPEN,
    OPERATOR_RANK,
    Field,
    HashKey,
    Level,
    Operator,
)
from engine.model.matchers import AnyOf, Definitions, IndexKey, Matcher
from engine.model.messages import CallerCounts, Deployment, Fold, Incident, KeyGroup, MaskedEvent, Message, Probe, Summary, Top
from engine.model.policies import (
    ActivePolicySet,
    ActorClass,
    AuditRule,
    DayRanges,
    Default,
    Evidence,
    Policy,
    PolicySet,
    RejectedPolicySet,
    Route,
    Selection,
    Silence,
    Window,
)
from engine.model.safe_repr import repr_only
from engine.model.vocabulary import (
    ALWAYS_VOID_FOR,
    SEVERITY_RANK,
    UNKNOWN,
    Detail,
    Kind,
    Language,
    LocalizedText,
    Selects,
    Severity,
    Strength,
    VoidFor,
    VoidReason,
)
