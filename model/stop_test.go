package model

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// stopped feeds a text in pieces, and returns what comes out.
func stopped(stops []string, pieces ...string) (text, found string) {
	s := stopper{stops: stops}
	for _, p := range pieces {
		text += s.next(p)
		if s.found != "" {
			return text, s.found
		}
	}
	return text + s.finish(), ""
}

func TestStopper(t *testing.T) {
	for _, c := range []struct {
		stops, pieces []string
		text, found   string
	}{
		{nil, []string{"a", "b"}, "ab", ""},
		{[]string{"###"}, []string{"a#", "#", "#b"}, "a", "###"},
		{[]string{"###"}, []string{"a#", "#b", "#"}, "a##b#", ""},
		{[]string{"aab"}, []string{"a", "a", "a", "b"}, "a", "aab"}, // what is withheld begins anew within itself
		{[]string{"x", "bcx"}, []string{"ab", "cx"}, "a", "bcx"},    // the one that begins first
		{[]string{"b", "bc"}, []string{"abc"}, "a", "b"},
		{[]string{"ü\n"}, []string{"gr", "ü", "\n"}, "gr", "ü\n"},
		{[]string{"end"}, []string{"the en"}, "the en", ""},
		{[]string{"end"}, []string{"end"}, "", "end"},
	} {
		if text, found := stopped(c.stops, c.pieces...); text != c.text || found != c.found {
			t.Errorf("%q of %q: found %q and %q, expected %q and %q", c.stops, c.pieces, text, found, c.text, c.found)
		}
	}
}

// FuzzStopper compares pieces with the whole text.
func FuzzStopper(f *testing.F) {
	f.Add("the cat ### sat", "###", "sat", uint8(3))
	f.Add("aaaaab", "aab", "ab", uint8(1))
	f.Fuzz(func(t *testing.T, all, one, two string, size uint8) {
		if one == "" || two == "" || !utf8.ValidString(all) {
			return
		}
		want, stop := all, ""
		for i := range all {
			rest := all[i:]
			if strings.HasPrefix(rest, one) {
				want, stop = all[:i], one
			} else if strings.HasPrefix(rest, two) {
				want, stop = all[:i], two
			}
			if stop != "" {
				break
			}
		}
		if !utf8.ValidString(one) || !utf8.ValidString(two) { // may begin within a character
			return
		}
		var pieces []string
		for rest := all; rest != ""; {
			n := min(len(rest), int(size)+1)
			for n < len(rest) && !utf8.RuneStart(rest[n]) {
				n++
			}
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		text, found := stopped([]string{one, two}, pieces...)
		if (found != "") != (stop != "") {
			t.Fatalf("found the stop string %q, expected %q", found, stop)
		}
		// A shorter stop string that ends first may hide a longer one that began before.
		if text != want && !(strings.HasPrefix(text, want) && strings.Contains(all[:len(text)+len(found)], found)) {
			t.Errorf("found %q, expected %q", text, want)
		}
	})
}
