// Package porter is Porter's stemmer for English words, in the variant that ROUGE is computed with: Porter's algorithm of 1980 ("An
// algorithm for suffix stripping", Program 14(3), 130–137), his later changes, and those of NLTK (its mode NLTK_EXTENSIONS), which the
// Python package rouge-score uses. Its stems are NLTK's; testdata has a golden file.
package porter

import "bytes"

// irregular are words that the steps would spoil.
var irregular = map[string]string{
	"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
	"inning": "inning", "innings": "inning", "outing": "outing", "outings": "outing", "canning": "canning", "cannings": "canning",
	"howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}

// Stem returns the stem of a word in lower case. Any byte but a, e, i, o, u and y counts as a consonant. A word of one or two bytes is its
// own stem. Cost: linear in the length.
func Stem(word string) string {
	if stem, ok := irregular[word]; ok {
		return stem
	}
	if len(word) <= 2 {
		return word
	}
	b := append(make([]byte, 0, len(word)+1), word...) // a step lengthens the word by one letter at most
	b = step1a(b)
	b = step1b(b)
	b = step1c(b)
	b = step2(b)
	b = step3(b)
	b = step4(b)
	b = step5(b)
	return string(b)
}

// rule replaces a suffix.
type rule struct{ suffix, by string }

// apply replaces the suffix of the first rule whose suffix b has, if the stem before it passes the check. No other rule is then tried.
func apply(b []byte, rules []rule, check func(stem []byte) bool) []byte {
	for _, r := range rules {
		if stem, ok := cut(b, r.suffix); ok {
			if check(stem) {
				return append(stem, r.by...)
			}
			return b
		}
	}
	return b
}

// cut returns b without the suffix.
func cut(b []byte, suffix string) (stem []byte, ok bool) {
	if len(b) < len(suffix) || string(b[len(b)-len(suffix):]) != suffix {
		return b, false
	}
	return b[:len(b)-len(suffix)], true
}

// step1a takes off the plural.
func step1a(b []byte) []byte {
	if stem, ok := cut(b, "ies"); ok && len(b) == 4 { // NLTK: dies → die
		return append(stem, "ie"...)
	}
	return apply(b, []rule{{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}}, always)
}

// step1b takes off -ed and -ing, and mends the end of what is left.
func step1b(b []byte) []byte {
	if stem, ok := cut(b, "ied"); ok { // NLTK: died → die, spied → spi
		if len(b) == 4 {
			return append(stem, "ie"...)
		}
		return append(stem, 'i')
	}
	if stem, ok := cut(b, "eed"); ok {
		if measured(stem) {
			return append(stem, "ee"...)
		}
		return b
	}
	stem, ok := cut(b, "ed")
	if !ok || !hasVowel(stem) {
		if stem, ok = cut(b, "ing"); !ok || !hasVowel(stem) {
			return b
		}
	}
	switch last := stem[len(stem)-1]; {
	case bytes.HasSuffix(stem, []byte("at")), bytes.HasSuffix(stem, []byte("bl")), bytes.HasSuffix(stem, []byte("iz")):
		return append(stem, 'e')
	case endsDouble(stem):
		if last == 'l' || last == 's' || last == 'z' {
			return stem
		}
		return stem[:len(stem)-1]
	case measure(stem) == 1 && endsCVC(stem):
		return append(stem, 'e')
	}
	return stem
}

// step1c makes a final y after a consonant i, unless the consonant begins the word.
func step1c(b []byte) []byte {
	if stem, ok := cut(b, "y"); ok && len(stem) > 1 && consonant(stem, len(stem)-1) {
		return append(stem, 'i')
	}
	return b
}

// step2 makes single suffixes of double ones.
func step2(b []byte) []byte {
	if stem, ok := cut(b, "alli"); ok && measured(stem) { // NLTK: once more without -li
		return step2(append(stem, "al"...))
	}
	if stem, ok := cut(b, "logi"); ok {
		if measured(b[:len(b)-3]) { // Porter, later: the l counts as part of the stem
			return append(stem, "log"...)
		}
		return b
	}
	return apply(b, []rule{
		{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"bli", "ble"}, {"alli", "al"},
		{"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"}, {"ator", "ate"}, {"alism", "al"},
		{"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"}, {"iviti", "ive"}, {"biliti", "ble"}, {"fulli", "ful"},
	}, measured)
}

// step3 takes off -ic-, -full, -ness and their like.
func step3(b []byte) []byte {
	return apply(b, []rule{
		{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""},
	}, measured)
}

// step4 takes off suffixes of long words.
func step4(b []byte) []byte {
	if stem, ok := cut(b, "ion"); ok {
		if measure(stem) > 1 && (stem[len(stem)-1] == 's' || stem[len(stem)-1] == 't') {
			return stem
		}
		return b
	}
	return apply(b, []rule{
		{"al", ""}, {"ance", ""}, {"ence", ""}, {"er", ""}, {"ic", ""}, {"able", ""}, {"ible", ""}, {"ant", ""}, {"ement", ""}, {"ment", ""},
		{"ent", ""}, {"ou", ""}, {"ism", ""}, {"ate", ""}, {"iti", ""}, {"ous", ""}, {"ive", ""}, {"ize", ""},
	}, func(stem []byte) bool { return measure(stem) > 1 })
}

// step5 takes off a final e, and one of two final l.
func step5(b []byte) []byte {
	if stem, ok := cut(b, "e"); ok {
		if m := measure(stem); m > 1 || m == 1 && !endsCVC(stem) {
			b = stem
		}
	}
	if stem, ok := cut(b, "ll"); ok && measure(b[:len(b)-1]) > 1 {
		return append(stem, 'l')
	}
	return b
}

func always([]byte) bool { return true }

// measured reports a measure of 1 or more.
func measured(b []byte) bool { return measure(b) > 0 }

// measure is Porter's m: how often a consonant follows a vowel.
func measure(b []byte) (m int) {
	before := true // the letter before is a consonant
	for i := range b {
		now := isConsonant(b[i], i == 0 || !before)
		if now && !before {
			m++
		}
		before = now
	}
	return m
}

func hasVowel(b []byte) bool {
	before := true
	for i := range b {
		if before = isConsonant(b[i], i == 0 || !before); !before {
			return true
		}
	}
	return false
}

// isConsonant reports whether a letter is a consonant; y says what y is where the letter stands.
func isConsonant(letter byte, y bool) bool {
	switch letter {
	case 'a', 'e', 'i', 'o', 'u':
		return false
	case 'y':
		return y
	}
	return true
}

// consonant reports whether letter i of b is one. A y is a consonant at the beginning and after a vowel.
func consonant(b []byte, i int) bool {
	turned := false
	for b[i] == 'y' && i > 0 {
		i, turned = i-1, !turned
	}
	return isConsonant(b[i], true) != turned
}

// endsDouble reports whether b ends in one consonant twice.
func endsDouble(b []byte) bool {
	n := len(b)
	return n >= 2 && b[n-1] == b[n-2] && consonant(b, n-1)
}

// endsCVC reports whether b ends in consonant, vowel, consonant, and the last is not w, x or y. NLTK adds: or whether b is a vowel and a
// consonant.
func endsCVC(b []byte) bool {
	n := len(b)
	if n == 2 {
		return !consonant(b, 0) && consonant(b, 1)
	}
	if n < 3 || !consonant(b, n-3) || consonant(b, n-2) || !consonant(b, n-1) {
		return false
	}
	last := b[n-1]
	return last != 'w' && last != 'x' && last != 'y'
}
