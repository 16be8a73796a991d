"""Everything contexts and selectors may look at.

FORMAT.md: "The past".
"""

from .expressions import Expressions
from .fields import Fields
from .followers import Followers
from .forms import Forms
from .history import History
from .letters import Letters
from .lines import Lines
from .marks import Marks
from .numbers import Numbers
from .places import Places
from .records import Records
from .steps import Steps
from .structure import Structure
from .successors import Successors
from .tar import TarHeader
from .terms import Terms
from .text_object import TextObject
from .words import Words, is_letter


class Parsed:
    def __init__(self, log2_history):
        self.history = History(log2_history)
        self.words = Words()
        self.followers = Followers()
        self.lines = Lines()
        self.structure = Structure()
        self.records = Records()
        self.fields = Fields()
        self.terms = Terms()
        self.expressions = Expressions()
        self.letters = Letters()
        self.forms = Forms()
        self.marks = Marks()
        self.places = Places()
        self.numbers = Numbers()
        self.steps = Steps()
        self.successors = Successors()
        self.expected = (0, 0)
        self.text_object = TextObject()
        self.tar_header = TarHeader()

    def push_structured(self, byte):
        """Adds the newest byte to what only structured text needs, after all else has it."""
        self.places.push(byte, self.history, self.lines, self.structure)
        self.numbers.push(byte)
        self.steps.push(byte)
        self.successors.push(byte, self.history.last8)

    def push(self, byte):
        shown = self.text_object.push(byte, self.history.last8)
        if shown is None:
            code = self.tar_header.push(byte, self.history)
            self._push_text(byte)
            self.words.code = code
            self._push_byte(byte, code, [byte])
            return
        self.words.code = 0
        for of_text in shown:
            self._push_text(of_text)
        self.words.code = self.text_object.code(self.words.here(), of_terms=False)
        self._push_byte(byte, self.text_object.code(self.terms.term ^ self.terms.gap, of_terms=True), shown)

    def push_coded(self, byte, text, code):
        """A byte of a transformed chunk, which shows `text` or is part of a code."""
        length = self.words.len + 1 if is_letter(byte) else 0
        self.words.code = 0
        for shown in text:
            self._push_text(shown)
        if not text:
            self.words.push_incomplete(byte, code)
            self.terms.push_incomplete(byte, code)
        self.words.len = length
        self._push_byte(byte, code, [byte])

    def _push_text(self, byte):
        if self.words.push(byte):
            self.followers.push_word(self.words)
        self.terms.push(byte)
        self.expressions.push(byte)
        self.forms.push(byte)

    def _push_byte(self, byte, code, letters):
        self.words.push_class(byte)
        self.followers.push(byte, self.history.last8)
        self.lines.push(byte, self.history.len)
        self.structure.push(byte, self.history.last8)
        self.marks.push(byte, self.history.last8)
        self.letters.push(byte, letters)
        self.terms.turn(byte, code)
        self.records.push(byte, self.history.len)
        self.fields.push(byte)
        self.history.push(byte)

    def last(self, count):
        """The last bytes as a number, the newest lowest."""
        return self.history.last8 & ((1 << 8 * count) - 1)

    def within_markup(self):
        """What of brackets and markup is open, or 0."""
        return self.marks.within(self.structure.bracket())

    def column(self):
        return self.history.len - self.lines.starts[0]

    def above(self):
        return self.in_line(1, self.column())

    def in_line(self, line, column):
        starts = self.lines.starts
        at = starts[line] + column
        return self.history.at(at) if at < starts[line - 1] else 0
