package porter

import (
	"bufio"
	"compress/gzip"
	"os"
	"strings"
	"testing"
)

// The stems are NLTK's; ../testdata/gen.py made the file.
func TestStemsAreThoseOfNLTK(t *testing.T) {
	f, err := os.Open("testdata/stems.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(z); lines.Scan(); n++ {
		word, want, _ := strings.Cut(lines.Text(), "\t")
		if got := Stem(word); got != want {
			t.Errorf("the stem of %q is %q, expected %q", word, got, want)
		}
	}
	if n < 5000 {
		t.Errorf("found %d words, expected over 5000", n)
	}
}

// Words of the paper and of NLTK's additions.
func TestKnownStems(t *testing.T) {
	for word, want := range map[string]string{
		"caresses": "caress", "ponies": "poni", "relational": "relat", "generalizations": "gener", "oscillators": "oscil",
		"dies": "die", "died": "die", "spied": "spi", "enjoy": "enjoy", "happy": "happi", "dying": "die", "geology": "geolog",
		"generically": "gener", "be": "be", "": "", "agreed": "agre",
	} {
		if got := Stem(word); got != want {
			t.Errorf("the stem of %q is %q, expected %q", word, got, want)
		}
	}
}

// Any bytes have a stem, which is no longer than the word by more than a letter.
func FuzzStem(f *testing.F) {
	for _, word := range []string{"", "y", "yyyyyy", "ied", "eed", "alli", "logi", "ional", "\xff\xffing", "日本語ed", "oed"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if got := Stem(word); len(got) > len(word)+1 || got == "" && word != "" {
			t.Errorf("the stem of %q is %q", word, got)
		}
	})
}

func BenchmarkStem(b *testing.B) {
	words := strings.Fields("generalizations of relational databases are commonly happening in oscillators triplicate")
	for i := 0; b.Loop(); i++ {
		Stem(words[i%len(words)])
	}
}
