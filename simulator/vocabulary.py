"""The words that contacts are made of: names, companies, places, titles.

Data only. Some of it is awkward on purpose (other scripts, quotes, newlines, emoji), because real
address books are. Words are chosen by index, so their order is part of what a seed means: append,
don't sort.
"""

from __future__ import annotations

from typing import NamedTuple


class Company(NamedTuple):
    """An employer; `max_employees` is None where the API gives only a lower bound."""

    name: str
    domain: str
    industry: str
    min_employees: int
    max_employees: int | None


class Place(NamedTuple):
    """A city with the address parts that go with it; state is "" where there are none."""

    city: str
    state: str
    postal_code: str
    country: str


def _names(text: str) -> tuple[tuple[str, str], ...]:
    """`"Ada Zoë:zoe"` -> `(("Ada", "ada"), ("Zoë", "zoe"))`: a name and its form in an e-mail."""
    parts = (word.partition(":") for word in text.split())
    return tuple((name, ascii_form or name.lower()) for name, _, ascii_form in parts)


FIRST_NAMES = _names(
    "Ada Grace Alan Linus Zoë:zoe José:jose Søren:soeren Chloé:chloe Maria Olga Иван:ivan 伟:wei "
    "さくら:sakura Ahmed Fatima Priya Raj Liam Emma Noah Olivia Mateo Lucía:lucia Björn:bjoern "
    "Anna Tom Ruth Kofi Amara Yusuf Ingrid Paul Nia Hugo Clara Omar Lena Ivy Max Elif Tariq Jo"
)
LAST_NAMES = _names(
    "Lovelace Hopper Turing Müller:mueller García:garcia O'Brien:obrien Nguyễn:nguyen Kowalski "
    "Петров:petrov 王:wang 佐藤:sato Haddad Okafor Singh Patel Smith Jones Silva Rossi Dubois "
    "Jensen Novák:novak Andersson Şahin:sahin Kim Cohen Murphy Tremblay Papadopoulos Ito "
    "Fernández:fernandez Schmidt MacDonald d'Angelo:dangelo Smith-Jones Brown Lee Walker Khan Ward"
)

COMPANIES = tuple(
    Company(*company)
    for company in (
        ("Acme Corp", "acme.example", "Manufacturing", 10001, None),
        ("Globex", "globex.example", "Energy", 5001, 10000),
        ("Initech", "initech.example", "Software", 51, 200),
        ("Umbrella Health", "umbrella.example", "Health care", 1001, 5000),
        ("Hooli", "hooli.example", "Internet", 10001, None),
        ("Müller & Söhne", "mueller.example", "Retail", 11, 50),
        ("Café Zürich", "cafe-zuerich.example", "Food & drink", 1, 10),
        ("東京電機", "tokyo-denki.example", "Electronics", 501, 1000),
        ('The "Best" Bakery', "best-bakery.example", "Food & drink", 1, 10),
        ("Northwind Traders", "northwind.example", "Wholesale", 201, 500),
        ("Contoso", "contoso.example", "Consulting", 1001, 5000),
        ("Stark Industries", "stark.example", "Aerospace", 10001, None),
        ("Wayne Enterprises", "wayne.example", "Finance", 10001, None),
        ("Pied Piper", "piedpiper.example", "Software", 1, 10),
        ("Vandelay Imports", "vandelay.example", "Import/Export", 11, 50),
        ("Dunder Mifflin", "dunder.example", "Paper", 201, 500),
        ("Soylent Foods", "soylent.example", "Food & drink", 501, 1000),
        ("Cyberdyne", "cyberdyne.example", "Robotics", 51, 200),
        ("Tyrell", "tyrell.example", "Biotechnology", 1001, 5000),
        ("Wonka", "wonka.example", "Confectionery", 51, 200),
        ("Oceanic Air", "oceanic.example", "Travel", 5001, 10000),
        ("Blue Bottle Books", "bluebottle.example", "Publishing", 11, 50),
        ("Kestrel Analytics", "kestrel.example", "Software", 11, 50),
        ("Lumen Labs", "lumen.example", "Research", 51, 200),
        ("Harbour Logistics", "harbour.example", "Transport", 501, 1000),
        ("Green Valley Farms", "greenvalley.example", "Agriculture", 51, 200),
        ("Atlas Insurance", "atlas.example", "Insurance", 1001, 5000),
        ("Polar Bikes", "polarbikes.example", "Sports", 1, 10),
        ("Quill & Ink", "quill.example", "Publishing", 1, 10),
        ("Redwood Legal", "redwood.example", "Law", 11, 50),
        ("Sunrise Solar", "sunrise.example", "Energy", 201, 500),
        ("Tidal Games", "tidal.example", "Games", 51, 200),
        ("União Têxtil", "uniao.example", "Textiles", 501, 1000),
        ("Vertex Schools", "vertex.example", "Education", 201, 500),
        ("Willow Clinics", "willow.example", "Health care", 51, 200),
        ("Xenon Optics", "xenon.example", "Electronics", 11, 50),
        ("Yellow Cab Co\\op", "yellowcab.example", "Transport", 201, 500),
        ("Zephyr Hotels 🏨", "zephyr.example", "Hospitality", 1001, 5000),
        ("Бета Софт", "betasoft.example", "Software", 51, 200),
        ("Ørsted Kaffe", "oersted.example", "Retail", 1, 10),
    )
)

PLACES = tuple(
    Place(*place)
    for place in (
        ("Sydney", "NSW", "2000", "Australia"),
        ("San Francisco", "CA", "94107", "United States"),
        ("Austin", "TX", "73301", "United States"),
        ("Boston", "MA", "02108", "United States"),
        ("London", "", "EC1A 1BB", "United Kingdom"),
        ("Zürich", "ZH", "8001", "Switzerland"),
        ("São Paulo", "SP", "01000-000", "Brazil"),
        ("Kraków", "", "30-001", "Poland"),
        ("北京", "", "100000", "中国"),
        ("Tel Aviv", "", "6100000", "Israel"),
        ("Toronto", "ON", "M5H 2N2", "Canada"),
        ("Nairobi", "", "00100", "Kenya"),
    )
)

STREETS = (
    "1 George Street",
    '12 "Rose" Cottage\nFlat 3',
    "Bahnhofstraße 7",
    "221B Baker Street",
    "C:\\Users\\Road\t9",
    "Rua das Flores, 45, apto 6",
    "<b>5th</b> & Main",
)
JOB_TITLES = (
    "Marketing Manager",
    "VP, Growth 🚀",
    "CEO",
    'Head of "Everything"',
    "Ingénieure",
    "Sales Rep",
    "Founder\u2028CTO",
    "Student",
)
SALUTATIONS = ("Ms", "Mr", "Dr", "Mx", "Prof.")
STATUSES = ("Open", "Working", "Nurturing", "Qualified", "Unqualified", "Closed - Won")
LEAD_SOURCES = ("Website", "Trade show", "Referral", "Google Ads", "Webinar", "Cold call", "other…")
OWNERS = ("Sam Field", "Dana Ortiz", "Chris Ng", "Renée Blanc")
COLOURS = ("red", "green", "blue", "ultraviolet")
PAGES = ("/", "/pricing", "/blog/what's-new?ref=a&b=c", "/docs/über-uns", "/demo#form")
FORMS = ("/signup", "/contact-us", "/newsletter?source=footer")
UTM_TAGS = ("utm_source=google&utm_medium=cpc", "utm_campaign=spring sale", "utm_source=newsletter")

TIME_ZONES = (
    ("America/New_York", "US"),
    ("Australia/Sydney", "AU"),
    ("Europe/Zurich", "CH"),
    ("Asia/Kolkata", "IN"),
)

LIST_TITLES = (
    "1k.csv",
    "Newsletter",
    "Trade show 2016",
    "Beta customers",
    "Imported from CRM",
    'Webinar "Growth"',
    "Blog subscribers",
    "Kunden (Zürich)",
    "Do not call",
    "Partners",
)
SEGMENT_TITLES = (
    "Ladies",
    "Trial users",
    "Active last 30 days",
    "Never opened a mail",
    "Big companies",
    "Unsubscribed",
    "Visited /pricing",
    "Leads > 50 points",
    "Ex-customers 💔",
    "Everybody",
)
