package sentences

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// vetoed reports whether a boundary of Unicode's rules is none: inside of what is kept together, without a space where the script has
// spaces, before a small letter, or after an abbreviation, an initial or the number of an item.
func (s *scanner) vetoed(from int, b boundary, following class) bool {
	first := s.class(b.next)
	switch {
	case s.inside(b.stop):
		return true
	case b.next == b.stop && s.text[b.term] < utf8.RuneSelf && first != letter:
		return true
	case following == lower && first == lower: // "What?" he asked
		return true
	case s.text[b.term] != '.', strings.ContainsAny(s.text[b.term:b.stop], ")]}"):
		return false
	}
	word := s.wordBefore(from, b.term)
	return word.from == from && enumerator(word.text) || abbreviated(word.text, s.wordAt(b.next))
}

// word is a word and its place.
type word struct {
	text string
	from int
}

// longestAbbreviation is the largest number of bytes of a word that may be an abbreviation, with full stops inside.
const longestAbbreviation = 16

// wordBefore is the word that ends at to, without opening brackets and quotes; empty if it is too long for an abbreviation.
func (s *scanner) wordBefore(from, to int) word {
	begin := to
	for begin > from && to-begin <= longestAbbreviation {
		r, n := utf8.DecodeLastRuneInString(s.text[from:begin])
		if c := classify(r); c == space || c == closes || r == '~' || r == '-' || r == '–' || r == '/' {
			break
		}
		begin -= n
	}
	if to-begin > longestAbbreviation {
		return word{"", begin}
	}
	return word{s.text[begin:to], begin}
}

// wordAt is the word at i, without quotes and brackets before it.
func (s *scanner) wordAt(i int) string {
	i = s.skip(i, closes)
	end := i
	for end < s.end && end-i <= longestAbbreviation {
		c, next := at(s.text[:s.end], end)
		if c != lower && c != upper && c != letter && c != digit {
			break
		}
		end = next
	}
	return s.text[i:end]
}

// enumerator reports the number of an item at the beginning of a sentence: 1, 2.1, a, iv.
func enumerator(w string) bool {
	if w == "" || len(w) > 8 {
		return false
	}
	if strings.Trim(w, "0123456789.") == "" {
		return true
	}
	if len(w) == 1 {
		return unicode.IsLetter(rune(w[0])) && w != "I"
	}
	return strings.Trim(w, "ivx") == "" || strings.Trim(w, "IVX") == ""
}

// abbreviated reports whether the full stop after w belongs to it and ends no sentence, given the next word.
func abbreviated(w, next string) bool {
	small := strings.ToLower(w)
	digits := next != "" && '0' <= next[0] && next[0] <= '9'
	switch {
	case w == "":
		return false
	case titles[w], always[small], beforeNumber[small] && digits:
		return true
	case months[next] && len(w) <= 2 && strings.Trim(w, "0123456789") == "": // am 3. Oktober
		return true
	}
	return (may[small] || dotted(w)) && !starters[next]
}

// dotted reports one letter, or letters with a full stop between them: initials, U.S, a.m, Ph.D.
func dotted(w string) bool {
	for part := range strings.SplitSeq(w, ".") {
		n := utf8.RuneCountInString(part)
		if n < 1 || n > 2 || n == 2 && len(part) == len(w) || strings.ContainsFunc(part, notLetter) {
			return false
		}
	}
	return true
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

func setOfWords(lists ...string) map[string]bool {
	set := map[string]bool{}
	for _, list := range lists {
		for w := range strings.FieldsSeq(list) {
			set[w] = true
		}
	}
	return set
}

// titles stand before names.
var titles = setOfWords(`Mr Mrs Ms Messrs Dr Prof St Mt Gen Col Lt Capt Sgt Gov Sen Rep Rev Hon Pres Mme Mlle Sra Dott Ing`)

// always are abbreviations that no sentence ends with, in small letters.
var always = setOfWords(`e.g i.e eg vs viz cf ca approx w.r.t i.a z.b d.h u.a bzw vgl bspw ggf hrsg evtl sog p.ex q.v`)

// beforeNumber are abbreviations before a number; without one they may be words.
var beforeNumber = setOfWords(`no nos art arts cl fol bd nr aufl rm ver pt abb kap`)

// may are abbreviations that a sentence may end with: it does if the next word often begins one.
var may = setOfWords(
	`fig figs eq eqs eqn eqns sec secs sect ref refs tab tabs thm lem prop cor def defs ex alg app appx ch chap vol vols nr para pp p`,
	`resp esp incl excl ed eds dept univ etc al inc ltd co corp llc plc jr sr bros esq usw u.s.w ff f seq sq`,
	`ave blvd rd a.m p.m m.d d.c ph.d b.c a.d u.s u.k u.n e.u`,
	`jan feb mar apr jun jul aug sept sep oct nov dec mon tue tues wed thu thur thurs fri sat sun proc conf int intl natl assoc`,
	`trans lett rev phys math sci tech comput eng assn soc syst appl theor bull ann acad inst mag stat exp biol chem`)

// starters are words that often begin a sentence and seldom follow an abbreviation inside one.
var starters = setOfWords(
	`The This These That Those There It Its In If We Our You He She They His Her Their A An As At But By For From How However When While`,
	`Where What Which Who Why With Although And Also After Before Because Both Each Further Furthermore Moreover Finally First Second`,
	`Here Hence Such Since So Some Then Therefore Thus To Today Unlike Using Yet No Not On One Only Other Over All Another Despite During`,
	`Several Similarly Consequently Instead Nevertheless Later Most Many Please Note See Let Now Next Once Following Given To Under`,
	`Der Die Das Ein Eine Es Er Sie Wir In Im Bei Le La Les Il Elle Un Une Nous El Los Las Una`)

// months are the German ones, before which a number has a full stop.
var months = setOfWords(`Januar Februar März April Mai Juni Juli August September Oktober November Dezember`)
