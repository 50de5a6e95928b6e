package pattern

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Pattern{
		"full":                         Full(),
		"none":                         None(),
		"causal":                       Causal(),
		"causal()":                     Causal(),
		"window(512)":                  Window(512),
		"window(4096,0)":               WindowSides(4096, 0),
		"window(before=3, after=2)":    WindowSides(3, 2),
		"window(3, after=2)":           WindowSides(3, 2),
		"memory(128)":                  WindowSides(128, 0),
		"window2d(480, 3)":             Window2D(480, 3),
		"window2d(width=480, r=3)":     Window2D(480, 3),
		"dilated(3, 2)":                Dilated(3, 2),
		"global(0)":                    Global(0),
		"global(0, 7..9)":              Global(0, 7, 8, 9),
		"longformer(2)":                Window(2),
		"longformer(2, 0, 5..6)":       Or(Window(2), Global(0, 5, 6)),
		"bigbird":                      BigBird(64, 3, 2, 3, 0),
		"bigbird(32, random=1)":        BigBird(32, 3, 2, 1, 0),
		"segments(8)":                  Segments(8),
		"segments_at(3, 9)":            SegmentsAt(3, 9),
		"summary(8)":                   Summary(8),
		"summary(8, 7)":                SummaryAt(8, 7),
		"strided(4)":                   Strided(4),
		"prefix(4)":                    Prefix(4),
		"short(704)":                   Short(704),
		"window(512) | global(0)":      Or(Window(512), Global(0)),
		"causal&window(9,0)|full":      Or(And(Causal(), WindowSides(9, 0)), Full()),
		"full|causal & window(1)":      Or(Full(), And(Causal(), Window(1))),
		"(full | causal) & none":       And(Or(Full(), Causal()), None()),
		" ( ( full ) )\t":              Full(),
		"full\n| none | (causal|full)": Or(Full(), None(), Causal(), Full()),
		"bigbird(block=64, window=3, global=2, random=3, seed=18446744073709551615)": BigBird(64, 3, 2, 3, 1<<64-1),
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, expected %v", text, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		says   string
	}{
		{"", 1, `found the end, expected a pattern, such as window(512), or "("`},
		{"widow(512)", 1, `found "widow", expected the name of a pattern; did you mean "window"?`},
		{"causal & Window(3)", 10, `did you mean "window"?`},
		{"xyzzyplugh", 1, "the name of a pattern: full, none, causal,"},
		{"window", 7, "found the end, expected the argument before of window(before, [after])"},
		{"window()", 8, `found ")", expected the argument before of window(before, [after])`},
		{"window(-1)", 1, "window(-1): found -1 before and -1 after, expected 0 to"},
		{"full | window(-1)", 8, "window(-1): found"},
		{"window(1, 2, 3)", 14, `found "3", expected ")" after at most 2 arguments`},
		{"window(1 2)", 10, `found "2", expected "," or ")"`},
		{"window(1", 9, `found the end, expected "," or ")"`},
		{"window(1,)", 10, `found ")", expected a whole number`},
		{"window(w=1)", 8, `found "w", expected an argument of window(before, [after])`},
		{"window(befor=1)", 8, `did you mean "before"?`},
		{"window(before=1, before=2)", 18, `found "before", expected before only once`},
		{"window(1, before=2)", 11, "only once"},
		{"window(before=1, 2)", 18, "expected a name and ="},
		{"window(before)", 14, `found ")", expected "=" and a number after before`},
		{"window(1..2)", 9, `found "..", expected "," or ")"`},
		{"window(1.5)", 9, `found ".", expected "," or ")"`},
		{"causal(1)", 8, `found "1", expected ")" after at most 0 arguments of causal`},
		{"global()", 8, "expected at least one position"},
		{"global", 7, "expected at least one position"},
		{"global(-1)", 1, "found position -1, expected 0 to"},
		{"global(9..3)", 11, "found a run that does not ascend"},
		{"global(3..)", 11, "expected the last position of the run"},
		{"global(0..99999999999999999999)", 11, "found the number 99999999999999999999, expected one below 2⁶⁴"},
		{"global(18446744073709551615)", 1, "found position"},
		{"segments_at(3..5)", 14, `found ".."`},
		{"bigbird(window=2)", 1, "expected an odd number"},
		{"bigbird(seed=-1)", 1, "found a seed below 0"},
		{"(full", 6, `found the end, expected "&", "|" or ")"`},
		{"full)", 5, `found ")", expected "&", "|" or the end`},
		{"full full", 6, `found "full", expected "&", "|" or the end`},
		{"full || causal", 7, `found "|", expected a pattern`},
		{"full |", 7, "found the end"},
		{"full | ünbekannt", 8, `found "ünbekannt"`},
		{"ü", 1, `found "ü"`},
		{"full | é é", 8, "expected the name"},
		{"full ∪ causal", 6, `found "∪", expected "&", "|" or the end`},
		{"\xff", 1, "expected a pattern"},
		{strings.Repeat("(", 100000), MaxDepth + 1, "parentheses 65 deep"},
		{strings.Repeat(" ", MaxText+1), 1, "expected at most 1048576"},
	} {
		p, err := Parse(c.text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.40q: got %v, %v, expected a SyntaxError", c.text, p, err)
			continue
		}
		if syntax.Column != c.column || !strings.Contains(syntax.Message, c.says) || syntax.Text != c.text {
			t.Errorf("%.40q: column %d: %s\nexpected column %d: %s", c.text, syntax.Column, syntax.Message, c.column, c.says)
		}
	}
}

// roundTrip checks that the text of a pattern is read as an equal pattern.
func roundTrip(t *testing.T, p Pattern) {
	t.Helper()
	if len(p.String()) > MaxText {
		return // a text near the limit grows by the blanks that String writes
	}
	again, err := Parse(p.String())
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	if !reflect.DeepEqual(p, again) {
		t.Fatalf("%v was read as %v", p, again)
	}
}

func TestStringRoundTrips(t *testing.T) {
	of := leaves()
	for _, p := range of {
		roundTrip(t, p)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		roundTrip(t, randomPattern(r, of, 4))
	}
	deepest := Full()
	for i := range MaxDepth {
		if i%2 == 0 {
			deepest = And(Causal(), deepest)
		} else {
			deepest = Or(Causal(), deepest)
		}
	}
	roundTrip(t, deepest)
}

// Every name of the reference is read by Parse.
func TestNames(t *testing.T) {
	for _, n := range Names() {
		if n.Name == "" || n.About == "" || !strings.HasPrefix(n.Usage, n.Name) || !strings.Contains(Reference(), n.About) {
			t.Errorf("%+v is not described", n)
		}
		var read bool
		for _, arguments := range []string{"", "(1)", "(1, 1)"} {
			_, err := Parse(n.Name + arguments)
			read = read || err == nil
		}
		if !read {
			t.Errorf("%s is in the reference and cannot be read", n.Name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range leaves()[:54] {
		f.Add(p.String())
	}
	f.Add("causal & (window(before=4, after=0) | global(0, 3..5)) | bigbird(block=2, seed=9)")
	f.Add("((((full))))&&|")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Column < 1 {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		roundTrip(t, p)
		if s := Square(20); p.Check(s) == nil {
			compare(t, p, s)
		}
	})
}
