//! Which token zlib would write next.

use super::{MAX_MATCH, MIN_MATCH, Token};

/// What zlib was told, or was told of gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// 1 to 9.
    pub level: u8,
    /// Base-2 logarithm of the tokens that fill its buffer, and one more: 7 to 15.
    pub buffer_log2: u8,
    /// Base-2 logarithm of the heads of its chains: 8 to 16.
    pub hash_log2: u8,
    /// Base-2 logarithm of its window: 9 to 15.
    pub window_log2: u8,
    /// Whether matches of up to 5 bytes count for nothing.
    pub filtered: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters { level: 6, buffer_log2: 14, hash_log2: 15, window_log2: 15, filtered: false }
    }
}

impl Parameters {
    /// Tokens after which a block ends.
    pub fn full(self) -> usize {
        (1 << self.buffer_log2) - 1
    }

    pub fn window(self) -> usize {
        1 << self.window_log2
    }
}

/// How hard a level looks.
struct Effort {
    /// From a match of this length on it looks at a quarter of the chain.
    good: usize,
    /// From a match of this length on it does not look at the next byte; a quick level leaves out what
    /// lies within longer ones.
    lazy: usize,
    /// A match of this length is taken at once.
    nice: usize,
    /// Candidates it looks at.
    chain: usize,
}

const EFFORTS: [Effort; 9] = [
    effort(4, 4, 8, 4),
    effort(4, 5, 16, 8),
    effort(4, 6, 32, 32),
    effort(4, 4, 16, 16),
    effort(8, 16, 32, 32),
    effort(8, 16, 128, 128),
    effort(8, 32, 128, 256),
    effort(32, 128, 258, 1024),
    effort(32, 258, 258, 4096),
];
/// Levels up to this take the first match.
const QUICK: u8 = 3;
/// A match of three bytes is no gain from further away.
const FAR: usize = 4096;
/// Bytes that zlib wants ahead of it: so much less than the window it looks back.
const AHEAD: usize = MAX_MATCH + MIN_MATCH + 1;

const fn effort(good: usize, lazy: usize, nice: usize, chain: usize) -> Effort {
    Effort { good, lazy, nice, chain }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Match {
    len: usize,
    distance: usize,
}

/// Guesses a stream's tokens, each after those before it.
pub struct Guesser<'a> {
    text: &'a [u8],
    parameters: Parameters,
    effort: &'static Effort,
    /// Where the next token begins.
    at: usize,
    /// Strings that begin before this are in the chains, or left out.
    chained: usize,
    heads: Vec<u32>,
    before: Vec<u32>,
    /// What the next token starts with, if it was looked for.
    pending: Option<Match>,
}

impl<'a> Guesser<'a> {
    /// At a place of a text, the rest of which is the stream's.
    pub fn new(text: &'a [u8], start: usize, parameters: Parameters) -> Guesser<'a> {
        let mut guesser = Guesser {
            text,
            parameters,
            effort: &EFFORTS[usize::from(parameters.level.clamp(1, 9)) - 1],
            at: start,
            chained: 0,
            heads: vec![0; 1 << parameters.hash_log2],
            before: vec![0; parameters.window()],
            pending: None,
        };
        guesser.chain(start);
        guesser
    }

    /// Where the next token begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes of the text from there on.
    pub fn left(&self) -> usize {
        self.text.len() - self.at
    }

    /// Whether a token is possible here.
    pub fn allows(&self, token: Token) -> bool {
        let distance = usize::from(token.distance);
        match token.is_match() {
            true => {
                distance <= self.at && (MIN_MATCH..=MAX_MATCH.min(self.left())).contains(&token.len.into())
            }
            false => token.len == 1 && self.left() > 0,
        }
    }

    /// The token that zlib would write, if there is text left.
    pub fn guess(&mut self) -> Token {
        let first = self.pending.take().unwrap_or_else(|| self.find(self.at, MIN_MATCH - 1));
        if first.len < MIN_MATCH {
            return Token::LITERAL;
        }
        if self.parameters.level > QUICK && first.len < self.effort.lazy {
            self.chain(self.at + 1);
            let next = self.find(self.at + 1, first.len);
            if next.len > first.len {
                self.pending = Some(next);
                return Token::LITERAL;
            }
        }
        Token { len: first.len as u16, distance: first.distance as u16 }
    }

    /// Passes over the token that came where `guessed` was guessed.
    pub fn pass(&mut self, token: Token, guessed: Token) {
        if token != guessed {
            self.pending = None;
        }
        let len = usize::from(token.len);
        self.chain(self.at + 1);
        self.at += len;
        if self.parameters.level <= QUICK && len > self.effort.lazy {
            self.chained = self.at;
        }
        self.chain(self.at);
    }

    /// Passes over bytes that are stored.
    pub fn pass_stored(&mut self, bytes: usize) {
        self.pending = None;
        self.at += bytes;
        self.chain(self.at);
    }

    fn hash(&self, at: usize) -> usize {
        let log2 = u32::from(self.parameters.hash_log2);
        let shift = log2.div_ceil(MIN_MATCH as u32);
        let [a, b, c] = [0, 1, 2].map(|i| usize::from(self.text[at + i]));
        (a << (2 * shift) ^ b << shift ^ c) & ((1 << log2) - 1)
    }

    /// Puts strings that begin before `end` into the chains.
    fn chain(&mut self, end: usize) {
        let last = self.text.len().saturating_sub(MIN_MATCH - 1);
        for at in self.chained..end.min(last) {
            let hash = self.hash(at);
            let place = at & (self.before.len() - 1);
            self.before[place] = self.heads[hash];
            self.heads[hash] = at as u32;
        }
        self.chained = self.chained.max(end);
    }

    /// The longest match at a place that is longer than `longer`, among the candidates that zlib looks
    /// at; or one of no length.
    fn find(&self, at: usize, longer: usize) -> Match {
        let most = (self.text.len() - at).min(MAX_MATCH);
        let none = Match::default();
        if most < MIN_MATCH || longer >= most {
            return none;
        }
        let mut candidate = self.heads[self.hash(at)] as usize;
        let reach = self.parameters.window().saturating_sub(AHEAD);
        // What begins the text is no candidate.
        if candidate == 0 || at - candidate > reach {
            return none;
        }
        let limit = at.saturating_sub(reach);
        let nice = self.effort.nice.min(most);
        let mut chain = self.effort.chain;
        if longer >= self.effort.good {
            chain >>= 2;
        }
        let here = &self.text[at..at + most];
        let mut best = Match { len: longer, distance: 0 };
        loop {
            let there = &self.text[candidate..candidate + most];
            if there[best.len] == here[best.len] {
                let len = here.iter().zip(there).take_while(|(a, b)| a == b).count();
                if len > best.len {
                    best = Match { len, distance: at - candidate };
                    if len >= nice {
                        break;
                    }
                }
            }
            candidate = self.before[candidate & (self.before.len() - 1)] as usize;
            chain -= 1;
            if candidate <= limit || chain == 0 {
                break;
            }
        }
        let useless =
            best.len <= 5 && self.parameters.filtered || best.len == MIN_MATCH && best.distance > FAR;
        if best.distance == 0 || useless && self.parameters.level > QUICK { none } else { best }
    }
}
