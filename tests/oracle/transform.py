"""The text behind coded bytes.

FORMAT.md: "Transformed text".
"""

from .hash import hash

LEADS = 64, 60, 4
CAPITAL, UPPER, ESCAPE, SPELLED = 1, 2, 3, 4
LIST_END, LISTS_END, SHARED = 0x0A, 0x20, 0x40
MAX_SHARED, MAX_WORD, MAX_TEXT = 31, 63, 1 << 19


class TransformError(Exception):
    pass


def require(condition, what):
    if not condition:
        raise TransformError(what)


def is_letter(byte):
    return byte >= 0x80 or bytes([byte]).isalpha()


class Inverse:
    """Takes coded bytes one at a time; the dictionary outlives the chunk.

    It starts from the words that are given, which do not count against what a block may bring.
    """

    def __init__(self, shipped=((), (), ())):
        self.words = [list(words) for words in shipped]
        self.text_bytes = 0
        self.begin()

    def begin(self):
        self.class_ = 0
        self.new = []
        self.entry = None
        self.case = 0
        self.escaped = self.spelled = self.upper = False
        self.lead = []
        # What the newest byte shows: text, or a dictionary's letters; and the code so far.
        self.seen = b""
        self.code = 0

    def in_dictionary(self):
        return self.class_ < 3

    def push(self, byte):
        """The text that `byte` completes."""
        if self.in_dictionary():
            self.seen = self._entry(byte)
            return b""
        self.seen = self._text(byte)
        return self.seen

    def _entry(self, byte):
        if self.entry is not None and (byte >= 0x80 or 0x61 <= byte <= 0x7A):
            self.entry += bytes([byte])
            require(len(self.entry) <= MAX_WORD, "a long word")
            return bytes([byte])
        before = self.entry or b""
        shared = byte - SHARED
        ends = byte in (LIST_END, LISTS_END)
        require(ends or 0 <= shared <= min(len(before), MAX_SHARED), "not a dictionary")
        if self.entry is not None:
            require(len(before) >= 2, "a short word")
            self.new.append(before)
            self.text_bytes += len(before)
            require(self.text_bytes <= MAX_TEXT, "much text")
            codes = LEADS[self.class_] << 7 * self.class_
            require(len(self.words[self.class_]) + len(self.new) <= codes, "many words")
        if not ends:
            self.entry = before[:shared]
            return b" " + self.entry
        self.words[self.class_] += sorted(self.new, key=lambda word: (len(word), word[-1]))
        self.class_ = 3 if byte == LISTS_END else self.class_ + 1
        self.new = []
        self.entry = None
        return b" "

    def _text(self, byte):
        if self.escaped:
            self.escaped = False
            return bytes([byte])
        if byte >= 0x80 and not self.spelled:
            return self._code(byte)
        require(not self.lead, "a code is cut short")
        if is_letter(byte):
            self.upper = self.upper or self.case == UPPER
            letter = bytes([byte])
            letter = letter.upper() if self.upper or self.case else letter
            self.case = 0
            return letter
        if byte == SPELLED:
            require(not self.spelled, "two flags")
            self.spelled = True
            return b""
        require(not self.case, "a flag without a word")
        self.spelled = self.upper = False
        if byte in (CAPITAL, UPPER):
            self.case = byte
            return b""
        if byte == ESCAPE:
            self.escaped = True
            return b""
        return bytes([byte])

    def _code(self, byte):
        self.lead.append(byte & 0x7F)
        class_, number = 0, self.lead[0]
        while number >= LEADS[class_]:
            number -= LEADS[class_]
            class_ += 1
        if len(self.lead) <= class_:
            self.code = hash(self.code, byte | 0x300)
            return b""
        for value in self.lead[1:]:
            number = number << 7 | value
        self.lead = []
        self.code = 0
        self.upper = False
        require(number < len(self.words[class_]), "an unknown word")
        word = self.words[class_][number]
        case, self.case = self.case, 0
        if case == UPPER:
            return word.upper()
        return word[:1].upper() + word[1:] if case else word
