"""A local Autopilot: it answers like the real API, and misbehaves on request.

    with Simulator(Account(contacts=2500), rate_limit=20) as autopilot:
        requests.get(autopilot.url + "/contacts", headers={"autopilotapikey": autopilot.key})

Modelled: the endpoints that read contacts, lists, segments, custom fields and the account; pages
and bookmarks; the key; the rate limit; latency; every documented error body; a schedule of faults;
a log of all requests. The account knows the rows that a correct connector makes of it.

NOT modelled: writing anything; HTTPS; time (nothing is added, changed or deleted while it runs,
except custom fields, which a test may define and delete); the order in which the real API sends
contacts; a rate limit that differs between endpoints; the contents of `GET /account`; every limit
that the vendor doesn't document.

It imports nothing from the connector: if both had the same wrong idea of the API, no test would
notice.

    account, segments         how large the account is, and the members of its segments
    contact, profile, field,  contacts: what the API sends, and the rows that must come of them
      custom_fields
    seed, vocabulary          what these are made of: repeatable chance, ids, words
    endpoints, paging         the API: paths, pages, bodies of errors
    faults, fault_effects     what can go wrong: when, and what the client gets
    rate_limit, request_log   permits for requests, and the record of them
    handler, server           HTTP; `__main__` is the same as a program
"""

from .account import Account
from .custom_fields import AWKWARD, TWENTY, CustomField
from .faults import Fault
from .server import Simulator

__all__ = ["AWKWARD", "TWENTY", "Account", "CustomField", "Fault", "Simulator"]
