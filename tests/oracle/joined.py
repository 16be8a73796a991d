"""Lines that are joined, and where they break.

FORMAT.md: "Joined lines".
"""

BLANKS = b" \t\r\n"
MARKS = b" \t#/*>;%|!-+"
LAST_COLUMN = 255


class JoinedError(Exception):
    pass


class Form:
    """How lines end, and how many bytes the joined text has fewer than the content."""

    def __init__(self, unpacker):
        self.returns, self.keeps_gaps = unpacker.plain(1), unpacker.plain(1)
        self.fewer = unpacker.number("fewer")

    def split(self, joined, unpacker, most):
        """Content of the joined text, of `most` bytes."""
        content, column, at = bytearray(), 0, 0
        last = this = b""
        begins = True
        while at < len(joined):
            if len(content) > most:
                break
            if begins:
                this = _leading(joined, at, MARKS)
                content += this
                column = _column_after(0, this)
                at += len(this)
                begins = False
                continue
            spaces = len(_leading(joined, at, b" "))
            if not spaces:
                begins = joined[at] == 0x0A
                column = _column_after(column, joined[at : at + 1])
                content.append(joined[at])
                at += 1
                continue
            word = _word(joined, at + spaces)
            if spaces <= 2 and word and at and joined[at - 1] not in BLANKS:
                breaks = unpacker.bit("breaks", min(_column_after(column + spaces, word), LAST_COLUMN))
            else:
                breaks = False
            if not breaks or self.keeps_gaps:
                content += b" " * spaces
                column += spaces
            if breaks:
                this = last = _next_prefix(unpacker, last, this)
                content += (b"\r\n" if self.returns else b"\n") + this
                column = _column_after(0, this)
            at += spaces
        if len(content) != most:
            raise JoinedError("joined lines do not give the content")
        return bytes(content)


def _next_prefix(unpacker, last, this):
    blanked = bytes(byte if byte == 9 else 32 for byte in this)
    for number, prefix in enumerate((last, this, blanked, _leading(this, 0, b" \t"))):
        if unpacker.bit("prefix", last == this, number):
            return prefix
    return b""


def _leading(text, start, among):
    end = start
    while end < len(text) and text[end] in among:
        end += 1
    return text[start:end]


def _word(text, start):
    end = start
    while end < len(text) and text[end] not in BLANKS:
        end += 1
    return text[start:end]


def _column_after(column, text):
    for byte in text:
        if byte == 9:
            column = (column | 7) + 1
        elif byte & 0xC0 != 0x80:
            column += 1
    return column
