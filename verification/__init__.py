"""`make verify`: what docs/autopilot-api.md believes of the API, held against a live account.

It asks a few questions, changes nothing, and prints a table in Markdown that can be pasted into a
public issue: of what Autopilot sends, it shows shapes only.

    asking       one GET request: counted, paced, bounded
    questions    which requests, and what is looked at in each answer
    pages        order of ids, bookmarks, borders and start keys
    contacts     fields of contacts: their types and spellings
    shapes       what may be said of a value without saying the value
    evidence     what was seen, in words of ours and in shapes
    beliefs      each belief, and how the evidence decides it
    report       the table

    imports: __main__ > questions | report > asking | beliefs | contacts | pages > evidence, shapes

It is no part of the connector or of its image, and imports of it what a sync also stands on: the
settings, the address, the transport.
"""
