package sentences

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

// split returns the texts of the sentences, with line ends as spaces.
func split(text string, o Options) (all []string) {
	for _, s := range Split(text, o) {
		all = append(all, strings.Join(strings.Fields(text[s.From:s.To]), " "))
	}
	return all
}

// In each text the sign | stands where a sentence must end, and nowhere else.
func TestSentences(t *testing.T) {
	for _, text := range []string{
		// abbreviations, initials, titles
		"We follow Smith et al. (2004) here. |They use Fig. 3 and Eqs. 4 and 5, cf. Sec. 2.1. |The rest is new.",
		"Dr. J. R. Smith and Mr. Lee met, e.g. in St. Louis, i.e. Missouri. |It rained.",
		"The U.S. Army moved at 5 a.m. on Monday. |It lost in the U.S. |The end came at 6 p.m. |However, it won.",
		"Foods, drinks, etc. are sold. |It has food, etc. |The shop closes.",
		"See vol. 3, pp. 12–14, No. 5. |No. |We disagree.",
		"We need vitamin C. |This is clear. |G. Salton wrote it.",
		"He has a Ph.D. in physics. |She has a Ph.D. |They met in Jan. 1999.",
		"Apple Inc. bought it. |It paid Foo Ltd. |Then it closed.",
		// decimals, versions, names of files
		"The F1 is 3.14 and not 2.71. |We use version 1.2.3 of main.go and example.com. |It works.",
		"It costs $3.50. |Then it costs $4.",
		// citations and notes
		"It was shown before [12]. |Others disagree (Reynar, 1998; Choi et al. 2000). |We do not.",
		"This holds.[12] |Others disagree.[3,4] |So do we.(5) |Why?",
		"This is known.12 |The note says so. |Use Python 3.9 for this.",
		"This fails (cf. Sec. 3. It is odd.) in part. |It (e.g. the Foo) works.",
		// formulas and code
		"Let $x. Y$ be a set. |Then `a. B` is code. |It cost $5 million. |Then $6 million.",
		"We have f(x. Y) here. |And ((a. B) c. D) there.",
		// quotes and dialogue
		"\"Stop.\" |He ran. |\"What?\" he asked. |\"Go!\" she said.",
		"“Really?” |He left. |“Yes!” |He stayed. |(He was late.) |We saw.",
		"He left... |Then he came back... and left.",
		"Is it so? |Yes! |Good.",
		// numbers at the beginning
		"1. Introduction follows. |It is short.",
		"a. First we go. |Then we stop.",
		// other languages
		"これは文です。|次の文です！|「はい。」|次は「いいえ」です。|終わり",
		"这是第一句。|这是第二句？|第三句",
		"Am 3. Oktober ist z. B. frei. |Die Läden sind bzw. bleiben zu. |Es regnet.",
		"¿Qué es esto? |Es una prueba. |Señor García no vino.",
		"यह पहला वाक्य है। |यह दूसरा है।",
		"Это первое предложение. |Это второе. |И третье!",
		"هذه جملة. |وهذه جملة أخرى؟ |نعم",
		"ეს არის. |მეორე.",
		// not an end: no space, or a small letter
		"See foo.Bar and what?x=1 now. |It is e.g. good. |End",
		"Node.js is fast. |It wins.",
	} {
		want := []string{}
		for part := range strings.SplitSeq(text, "|") {
			want = append(want, strings.TrimSpace(part))
		}
		if got := split(strings.ReplaceAll(text, "|", ""), Options{}); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n  found    %q\n  expected %q", text, got, want)
		}
	}
}

// Blank lines, lists, headings, rules and hard line ends.
func TestBlocksOfLines(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"A sentence over\ntwo lines. Another\r\none here.", "A sentence over two lines.|Another one here."},
		{"no end\n\nnew paragraph\r\n\r\nthird\r\rfourth", "no end|new paragraph|third|fourth"},
		{"Title of it\n===========\nThe text. It goes on", "Title of it|The text.|It goes on"},
		{"1 Introduction\nThe text begins here.\n\n2.1 Related work\nMore text",
			"1 Introduction|The text begins here.|2.1 Related work|More text"},
		{"Abstract\nWe show this.\n\n1. Introduction\nWe begin. It\n2. is", "Abstract|We show this.|1. Introduction|We begin.|It 2. is"},
		{"ABSTRACT\nWe show this.", "ABSTRACT|We show this."},
		{"Before.\n\n5.2. If You sue any entity by\nasserting a patent, the rights end.\n\n5.3. Termination\nAll end.",
			"Before.|5.2. If You sue any entity by asserting a patent, the rights end.|5.3. Termination|All end."},
		{"We need:\n- one thing\n- another\n  that goes on\n* a third", "We need:|one thing|another that goes on|a third"},
		{"Steps:\n1. Go there. Stop.\n2) Come back\n(c) End", "Steps:|1. Go there.|Stop.|2) Come back|(c) End"},
		{"The range is 3\n- 4 at most, or\n1. 5 at least", "The range is 3 - 4 at most, or 1. 5 at least"},
		{"one • two", "one • two"},
		{"• one\n• two", "one|two"},
		{"above\n-----\n*****\nbelow\n---|---\n", "above|below"},
		{"a\u2028b\u0085c", "a b c"},
		{"", ""}, {" \n\t\r\n", ""}, {"...", ""}, {"x", "x"}, {"\ufeffx", "\ufeffx"},
		{"func main() {\n\tfmt.Println(\"a\")\n\tos.Exit(1)\n\treturn nil // which is longer than the others\n}",
			"func main() {|fmt.Println(\"a\")|os.Exit(1)|return nil // which is longer than the others"},
		{"2026-01-01 12:00 INFO started\n2026-01-01 12:01 WARN disk is 90 % full and fills\n2026-01-01 ERROR no\n2026-01-02 INFO ok",
			"2026-01-01 12:00 INFO started|2026-01-01 12:01 WARN disk is 90 % full and fills|2026-01-01 ERROR no|2026-01-02 INFO ok"},
	} {
		want := []string(nil)
		if c.want != "" {
			want = strings.Split(c.want, "|")
		}
		if got := split(c.text, Options{}); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n  found    %q\n  expected %q", c.text, got, want)
		}
	}
}

// Prose that is wrapped at a width is no list of lines, whatever the width.
func TestWrappedProse(t *testing.T) {
	sentence := "the method that we describe reads long documents in one pass without any loss of information and writes "
	words := strings.Fields(strings.Repeat(sentence, 4))
	for width := 30; width < 100; width += 7 {
		var text strings.Builder
		column := 0
		for _, w := range words {
			if column+len(w)+1 > width {
				text.WriteByte('\n')
				column = 0
			} else if column > 0 {
				text.WriteByte(' ')
				column++
			}
			text.WriteString(w)
			column += len(w)
		}
		if got := split(text.String(), Options{}); len(got) != 1 {
			t.Errorf("width %d: found %d sentences, expected one: %q", width, len(got), got)
		}
	}
}

// Prose of proportional letters, whose lines have different numbers of them, is no list of lines.
func TestProseOfAPage(t *testing.T) {
	text := "the sentence. The form and function tags help to find\nthe illicit words, more or\nless, in lines of all lengths that are not " +
		"filled to\n" +
		"the end, as on a page\nof two columns. Here is\nthe end of the text that wraps at its own will and\nends."
	if got := split(text, Options{}); len(got) != 3 {
		t.Errorf("found %d sentences, expected 3: %q", len(got), got)
	}
}

func TestLongSentencesAreCutInPieces(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"one two three four five", 5, "one two three four five"},
		{"one two three four five", 2, "one two|three four|five"},
		{"one, two three; four, five six seven eight", 6, "one, two three;|four, five six seven eight"},
		{"a b c, d e f g h", 5, "a b c,|d e f g h"},
		{strings.Repeat("x", 2500), 9, strings.Repeat("x", 1000) + "|" + strings.Repeat("x", 1000) + "|" + strings.Repeat("x", 500)},
		{"ab " + strings.Repeat("y", 1001), 9, "ab|" + strings.Repeat("y", 1000) + "|y"},
		{"これは文です", 4, "これは文|です"},
	} {
		got := Split(c.text, Options{MostWords: c.most})
		var parts []string
		for i, s := range got {
			parts = append(parts, c.text[s.From:s.To])
			if s.Piece != (len(got) > 1) {
				t.Errorf("%q: sentence %d says it is a piece: %v", c.text, i, s.Piece)
			}
		}
		if strings.Join(parts, "|") != c.want {
			t.Errorf("%.60q, most %d: found %q", c.text, c.most, parts)
		}
	}
	if n := len(Split(strings.Repeat("word ", 100_000), Options{MostWords: 80})); n != 1250 {
		t.Errorf("100,000 words without an end: found %d pieces, expected 1250", n)
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " a  b\nc ": 3, "don't e-mail 3.14": 3, "日本語です": 5, "これはABCです": 6, "สวัสดี": 4, "한국어 단어": 2, "naïve": 1, "\xff \xfe": 2,
	} {
		if got := Words(text); got != want {
			t.Errorf("%q: found %d words, expected %d", text, got, want)
		}
	}
}

// untailored are the sentences of Unicode's rules alone.
func untailored(text string) (all []string) {
	s := newScanner(text, 0, len(text))
	s.plain = true
	from := 0
	for {
		to, ok := s.next(from)
		all = append(all, text[from:to])
		if from = to; !ok {
			return all
		}
	}
}

// Without the tailoring the ends are those of UAX #29, as rivo/uniseg finds them.
func TestRulesAreThoseOfUnicode(t *testing.T) {
	alphabet := []string{".", "!", "?", "。", "…", " ", " ", "\u00a0", "a", "b", "A", "B", "ß", "日", "ا", "1", "٣", ",", ":", "-", "(", ")",
		"\"", "'", "»", "“", "”", "[", "]", "$", "%", "\u0301", "\u200d", "\u00ad", "Dr", "etc", "।", "։", "ª", "Ⅷ", "１", "．", "，", "！", "_", "😀"}
	state := uint32(7)
	for range 20_000 {
		var text strings.Builder
		for range 1 + int(state>>8)%14 {
			state = state*1664525 + 1013904223
			text.WriteString(alphabet[int(state>>16)%len(alphabet)])
		}
		state = state*1664525 + 1013904223
		var want []string
		for rest, at := text.String(), -1; rest != ""; {
			var one string
			one, rest, at = uniseg.FirstSentenceInString(rest, at)
			want = append(want, one)
		}
		if got := untailored(text.String()); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+q:\n  found    %+q\n  expected %+q", text.String(), got, want)
		}
	}
}

// check reports what is wrong with sentences of a text.
func check(text string, all []Span, o Options) error {
	end := 0
	for i, s := range all {
		if s.From < end || s.To <= s.From || s.To > len(text) {
			return fmt.Errorf("sentence %d is %d … %d after %d", i, s.From, s.To, end)
		}
		if from, to := trim(text, s.From, s.To); from != s.From || to != s.To {
			return fmt.Errorf("sentence %d, %q, begins or ends with white space", i, text[s.From:s.To])
		}
		if o.MostWords > 0 && Words(text[s.From:s.To]) > o.MostWords {
			return fmt.Errorf("sentence %d has more than %d words", i, o.MostWords)
		}
		end = s.To
	}
	return nil
}

// Any bytes have sentences in order, and each letter and digit is in one.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{"", "A. B. C.", "a\r\n\r\nb\rc", "1. x\n- y\n===\n", "(((((. A)", "$x. Y$ `z. W`", "\xff. \xfeA", "。」次",
		"x.12 A. [1] B", "A\n-\n", "et al. The. No. 5. 3. Oktober", strings.Repeat("(. A", 50), "\u0301. \u0301A", "•\n•", "IV. x"} {
		f.Add(text, 7)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		o := Options{MostWords: max(0, most)}
		all := Split(text, o)
		if err := check(text, all, o); err != nil {
			t.Fatalf("%+q: %v", text, err)
		}
		at := 0
		for i, r := range text {
			for at < len(all) && all[at].To <= i {
				at++
			}
			if c := classify(r); (c == letter || c == lower || c == digit) && (at == len(all) || i < all[at].From) {
				t.Fatalf("%+q: the character %q at %d is in no sentence", text, r, i)
			}
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"prose", strings.Repeat("We follow Smith et al. (2004) here. They use Fig. 3 and Eq. 4, and\nit works as well as $x$ does. ", 5000)},
		{"stops", strings.Repeat(". ", 200_000)},
		{"brackets", strings.Repeat("(", 200_000) + strings.Repeat(". A", 50_000)},
		{"spaces", "A." + strings.Repeat(" ", 400_000) + "1"},
		{"closers", "A." + strings.Repeat(")", 400_000) + "1"},
		{"numbers", strings.Repeat(". 1 ", 100_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			for b.Loop() {
				Split(c.text, Options{MostWords: 80})
			}
		})
	}
}
