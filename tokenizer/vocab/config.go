package vocab

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Kind is the algorithm that learns a vocabulary.
type Kind string

// The kinds.
const (
	BPE     Kind = "bpe"     // byte-level BPE: tokens are joined bytes, and any text has ids
	Unigram Kind = "unigram" // the most likely pieces by a unigram model, as SentencePiece learns them
)

// Limits of a [Config].
const (
	MaxSize    = 1 << 20 // the largest number of tokens
	MaxPiece   = 64      // the largest number of characters in a token of Unigram
	MaxSpecial = 256     // the largest number of bytes in the name of a special token

	longestPiece = 16 // the default of MaxPiece, as in SentencePiece
)

// Config is what to learn.
type Config struct {
	Kind     Kind
	Size     int       // tokens of the vocabulary, special tokens included; at most MaxSize
	Specials []Special // they have the first ids, in this order; see [ParseSpecial]
	Template Template

	// MinCount is the smallest count of what becomes a token: of the pair that BPE joins, or of a piece that Unigram starts from.
	// 0 means 1 for BPE and 2 for Unigram.
	MinCount int64

	// Dropout is the probability with which the library skips a merge while it encodes (Provilkov et al. 2020, arXiv:1910.13267). It does
	// not change what is learned. It belongs to BPE, lies in 0 … 1, and 0 is none.
	Dropout float64

	Alphabet int // Unigram: the most frequent characters that are kept; 0 keeps all
	MaxPiece int // Unigram: the largest number of characters in a token; 0 means 16

	// ByteFallback adds 256 tokens of bytes to Unigram. They stand for the characters that are not in the vocabulary. As in the library, a
	// text with the name of such a token, <0x41>, is read as the token where its characters are not in the vocabulary.
	ByteFallback bool

	Normalizer Normalization // Unigram: what the text is made before it is cut

	// LowerCase writes the text in lower case before it is cut, behind the normalizer. The tokenizer does the same.
	LowerCase bool

	HoldOut int    // one block of 64 KiB in HoldOut is not learned from, so that [Vocabulary.Measure] has text; 0 holds out none
	Seed    uint64 // which blocks are held out

	Threads int // goroutines; 0 means GOMAXPROCS. They do not change the result

	// Memory is the largest number of bytes that counting and training may take, about. More is a *memory.Error. 0 is no limit.
	Memory int64

	// Progress, if any, is called now and then by the goroutine of the caller. The total of a stage is 0 where it is not known.
	Progress func(stage Stage, done, total int64)
}

// Stage is a part of the work.
type Stage string

// The stages, in the order of the work.
const (
	Reading  Stage = "counting words" // its unit is a byte of the documents
	Learning Stage = "learning"       // its unit is a merge of BPE, or a step of Unigram
)

// Normalization is what a text is made before it is cut into words.
type Normalization string

// The normalizations. The zero value is NFKC.
const (
	NFKC         Normalization = "nfkc" // compatible characters become one: ﬁ is fi, and ① is 1
	NFC          Normalization = "nfc"  // a letter and its marks become one character
	Unnormalized Normalization = "none"
)

// Check returns an error about the first field that is wrong.
func (c Config) Check() error {
	if c.Kind != BPE && c.Kind != Unigram {
		return fmt.Errorf("vocab: the kind is %q; expected %s or %s", c.Kind, BPE, Unigram)
	}
	if err := c.checkSpecials(); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	if err := c.checkNumbers(); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	if err := c.Template.check(c); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	return nil
}

func (c Config) checkNumbers() error {
	switch least := c.fixed() + 1; {
	case c.Size < least || c.Size > MaxSize:
		return fmt.Errorf("a vocabulary of %d tokens; expected %d … %d: the special tokens and the bytes take %d",
			c.Size, least, MaxSize, least-1)
	case c.MinCount < 0:
		return fmt.Errorf("the smallest count is %d; expected 0 or more", c.MinCount)
	case c.HoldOut < 0 || c.HoldOut == 1:
		return fmt.Errorf("one block in %d is held out; expected 0, which holds out none, or 2 and more", c.HoldOut)
	case !(c.Dropout >= 0 && c.Dropout <= 1):
		return fmt.Errorf("the dropout is %g; expected 0 … 1", c.Dropout)
	}
	if c.Kind == BPE {
		return c.checkBPE()
	}
	return c.checkUnigram()
}

func (c Config) checkBPE() error {
	switch {
	case c.Alphabet != 0:
		return fmt.Errorf("an alphabet of %d characters for %s, whose alphabet is the 256 bytes; leave it out", c.Alphabet, BPE)
	case c.MaxPiece != 0 || c.ByteFallback || c.Normalizer != "":
		return fmt.Errorf("a longest piece, a byte fallback and a normalizer belong to %s; leave them out for %s", Unigram, BPE)
	}
	return nil
}

func (c Config) checkUnigram() error {
	switch {
	case c.Dropout != 0:
		return fmt.Errorf("a dropout of %g belongs to %s; leave it out for %s", c.Dropout, BPE, Unigram)
	case c.Alphabet < 0:
		return fmt.Errorf("an alphabet of %d characters; expected 0, which keeps all, or more", c.Alphabet)
	case c.MaxPiece < 0 || c.MaxPiece > MaxPiece:
		return fmt.Errorf("the longest piece has %d characters; expected 0, which means %d, or 1 … %d", c.MaxPiece, longestPiece, MaxPiece)
	case c.Normalizer != "" && c.Normalizer != NFKC && c.Normalizer != NFC && c.Normalizer != Unnormalized:
		return fmt.Errorf("the normalizer is %q; expected %s, %s or %s", c.Normalizer, NFKC, NFC, Unnormalized)
	}
	return nil
}

// fixed is the number of tokens that are there before any is learned.
func (c Config) fixed() int {
	n := len(c.specials())
	if c.Kind == BPE || c.ByteFallback {
		n += 256
	}
	return n
}

// specials are the special tokens with those that a kind needs: Unigram has a token for unknown characters.
func (c Config) specials() []Special {
	if _, ok := c.role(Unknown); ok || c.Kind != Unigram {
		return c.Specials
	}
	return append([]Special{{Token: "<unk>", Role: Unknown}}, c.Specials...)
}

// role returns the name of the special token of a role.
func (c Config) role(r Role) (name string, ok bool) {
	for _, s := range c.Specials {
		if s.Role == r {
			return s.Token, true
		}
	}
	return "", false
}

func (c Config) checkSpecials() error {
	names, roles := map[string]bool{}, map[Role]string{}
	for _, s := range c.specials() {
		switch {
		case s.Token == "":
			return errors.New("a special token has no name; expected a text such as <s>")
		case len(s.Token) > MaxSpecial:
			return fmt.Errorf("a special token has a name of %d bytes; expected at most %d", len(s.Token), MaxSpecial)
		case !utf8.ValidString(s.Token):
			return fmt.Errorf("the special token %q is not UTF-8", s.Token)
		case names[s.Token]:
			return fmt.Errorf("the special token %q is given twice; expected each once", s.Token)
		case s.Role != "" && !s.Role.known():
			return fmt.Errorf("the special token %q has the role %q; expected one of %s", s.Token, s.Role, roleNames())
		case s.Role != "" && roles[s.Role] != "":
			return fmt.Errorf("the role %s has the special tokens %q and %q; expected one", s.Role, roles[s.Role], s.Token)
		}
		names[s.Token], roles[s.Role] = true, s.Token
	}
	return nil
}
