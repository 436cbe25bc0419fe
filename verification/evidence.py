"""What was seen, reduced at once: words of ours and shapes, never a value. Pure."""

from collections import Counter, defaultdict


class Evidence:
    """Counts observations, by the belief that they speak for or against.

    Attributes:
        seen: a belief's name -> how often each observation was made.
        failures: a kind of question -> what came in place of an answer.
        fields: a documented field of a contact -> how often it came in which type and shape.
        contacts: how many contacts were looked at; the same one on two pages counts twice.
        is_complete: whether all questions could be asked.
    """

    def __init__(self) -> None:
        self.seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.failures: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.fields: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.contacts = 0
        self.is_complete = True

    def observe(self, belief: str, observation: str) -> None:
        """Count an observation."""
        self.seen[belief][observation] += 1

    def observe_field(self, name: str, observation: str) -> None:
        """Count a type or shape of a documented field."""
        self.fields[name][observation] += 1

    def fail(self, question: str, reason: str) -> None:
        """Count a question of this kind that got no answer to look at."""
        self.failures[question][reason] += 1
