"""Everything contexts may look at.

FORMAT.md: "The past".
"""

from .history import History
from .records import Records
from .words import Words


class Parsed:
    def __init__(self, log2_history):
        self.history = History(log2_history)
        self.words = Words()
        self.records = Records()

    def push(self, byte):
        self.words.push(byte)
        self.records.push(byte, self.history.len)
        self.history.push(byte)
