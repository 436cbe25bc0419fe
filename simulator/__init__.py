"""A local Autopilot: it answers like the real API, and misbehaves on request.

    with Simulator(Account(contacts=2500), rate_limit=20) as autopilot:
        requests.get(autopilot.url + "/contacts", headers={"autopilotapikey": autopilot.key})

Modelled: the endpoints that read contacts, lists, segments, custom fields and the account; pages
that ascend by id, and what else they may do; bookmarks of every plausible kind; contacts that come,
go and change in mid-walk; the key; the rate limit; latency; how answers travel; every shape of
error that was seen; a schedule of faults; a log of all requests. The account knows the rows that a
correct connector makes of it.

NOT modelled: writing anything through the API; HTTPS; a rate limit that differs between endpoints;
every limit that the vendor doesn't document.

Marks such as [seen A] say how sure a fact is: docs/autopilot-api.md.

It imports nothing from the connector: if both had the same wrong idea of the API, no test would
notice.

    account, segments         how large the account is, and the members of its segments
    contact, profile, field,  contacts: what the API sends, and the rows that must come of them
      custom_fields
    ids, vocabulary           what these are made of: repeatable chance, ids, words
    endpoints, paging         the API: paths, pages, bodies of errors
    bookmarks                 the ways in which pages may follow each other
    schedule                  what is planned to happen, and when:
      faults, fault_effects   what can go wrong, and what the client gets
      changes                 what happens to contacts in mid-walk
    rate_limit, request_log   permits for requests, and the record of them
    transport                 lengths, chunks, connections that close
    handler, control, server  HTTP; `__main__` is the same as a program
"""

from .account import Account
from .bookmarks import Ways
from .changes import Change
from .custom_fields import AWKWARD, TWENTY, CustomField
from .faults import Fault
from .server import Simulator

__all__ = ["AWKWARD", "TWENTY", "Account", "Change", "CustomField", "Fault", "Simulator", "Ways"]
