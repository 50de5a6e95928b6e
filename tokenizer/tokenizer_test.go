package tokenizer_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/listops"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/tokenizer"
)

// refused demands an error with all of parts in its message.
func refused(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error; want one with %q", what, parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: the error is %q; want %q in it", what, err, part)
		}
	}
}

func TestBytesAreThoseOfPackageText(t *testing.T) {
	tok := tokenizer.Bytes()
	if s := tok.Specials(); tok.Vocab() != text.Vocab || s.Begin != text.End || s.End != text.End || s.Unknown != tokenizer.None {
		t.Errorf("%d tokens, specials %+v; package text has %d tokens and ends with %d", tok.Vocab(), s, text.Vocab, text.End)
	}
	if got := tok.Token(text.End); got != "<|end|>" {
		t.Errorf("the token %d is %q, want <|end|>", text.End, got)
	}
}

// Each byte keeps its value, valid UTF-8 or not, and Decode gives the text back.
func TestBytesOfInvalidUTF8(t *testing.T) {
	tok := tokenizer.Bytes()
	const broken = "a\xffé\xe2\x82b\xf0\x9f\x98"
	e, err := tok.Encode(broken)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range e.IDs {
		if id != int32(broken[i]) {
			t.Errorf("byte %d is %d, want %d", i, id, broken[i])
		}
	}
	want := []tokenizer.Span{{0, 1}, {1, 2}, {2, 4}, {2, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}}
	if !slices.Equal(e.Offsets, want) {
		t.Errorf("offsets %v, want %v", e.Offsets, want)
	}
	if got := tok.Decode(e.IDs); got != broken {
		t.Errorf("decoded to %q, want %q", got, broken)
	}
}

// Every letter has the code that dna.Parse gives it, and a letter that is no base is an error there and here.
func TestDNAIsThatOfPackageDNA(t *testing.T) {
	tok := tokenizer.DNA()
	if s := tok.Specials(); tok.Vocab() != dna.Vocab || s.Unknown != int32(dna.N) || s.Begin != tokenizer.None || s.End != tokenizer.None {
		t.Errorf("%d tokens, specials %+v; package dna has %d tokens and N is %d", tok.Vocab(), s, dna.Vocab, dna.N)
	}
	for c := range 256 {
		base, kind := dna.Parse(byte(c))
		e, err := tok.Encode(string([]byte{byte(c)}))
		switch {
		case kind == dna.NoBase:
			refused(t, string(rune(c)), err, "is not a base", "at byte 0")
		case err != nil || len(e.IDs) != 1 || e.IDs[0] != int32(base.Code()):
			t.Errorf("%q is read as %v (%v), want %d", rune(c), e.IDs, err, base.Code())
		}
	}
	_, err := tok.Encode("ACé")
	refused(t, "ACé", err, "'é' at byte 2 is not a base", "use A, C, G, T, U, N")
	_, err = tok.EncodeDocument("AC-")
	refused(t, "AC-", err, "'-' at byte 2 is not a base")
}

func TestListOpsAreThoseOfPackageListOps(t *testing.T) {
	tok := tokenizer.ListOps()
	all := make([]int32, listops.Vocab)
	for i := range all {
		all[i] = int32(i)
	}
	e, err := tok.Encode(listops.Text(all))
	if err != nil || !slices.Equal(e.IDs, all) || tok.Vocab() != listops.Vocab || tok.Decode(all) != listops.Text(all) {
		t.Errorf("%d tokens; %q has the ids %v (%v) and is decoded to %q", tok.Vocab(), listops.Text(all), e.IDs, err, tok.Decode(all))
	}
}

func TestWordsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		words []string
		want  string
	}{
		"none":          {nil, "a vocabulary of 0 words; expected 1"},
		"too many":      {make([]string, tokenizer.MaxVocab+1), "expected 1 … 1048576"},
		"empty":         {[]string{"a", ""}, `word 1 is ""`},
		"white space":   {[]string{"a\u00a0b"}, "without white space"},
		"invalid UTF-8": {[]string{"\xff"}, "valid UTF-8"},
		"unknown":       {[]string{"<unk>"}, "and not <unk>"},
		"twice":         {[]string{"a", "b", "a"}, `the words 0 and 2 are both "a"`},
	} {
		_, err := tokenizer.Words(c.words)
		refused(t, name, err, c.want)
	}
	for _, n := range []int{-1, 0, tokenizer.MaxVocab + 1} {
		_, err := tokenizer.Numbers(n)
		refused(t, "numbers", err, "expected 1 … 1048576")
	}
}

func TestUnknownWords(t *testing.T) {
	_, err := tokenizer.ListOps().Encode("[MAX 2  MIN 4 ]")
	refused(t, "a word", err, `"MIN" at byte 8`, "15 words", "[MED, [SM, ]")
	numbers, err := tokenizer.Numbers(1000)
	if err != nil {
		t.Fatal(err)
	}
	_, err = numbers.Encode("999 1000")
	refused(t, "a number", err, `"1000" at byte 4`, "0, 1, 2 … 999")
	_, err = numbers.Encode(strings.Repeat("9", 1<<20))
	refused(t, "a long number", err, `"`+strings.Repeat("9", 40)+`"… at byte 0`)
	if len(err.Error()) > 200 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func TestTemplate(t *testing.T) {
	template := tokenizer.Template{Before: []int32{256}, After: []int32{256, 256}}
	tok, err := tokenizer.Bytes().WithTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	template.Before[0] = 7 // the tokenizer has a copy
	tok.Template().After[0] = 7
	e, err := tok.EncodeDocument("hi")
	want := tokenizer.Encoding{IDs: []int32{256, 'h', 'i', 256, 256}, Offsets: []tokenizer.Span{{}, {0, 1}, {1, 2}, {}, {}}}
	if err != nil || !slices.Equal(e.IDs, want.IDs) || !slices.Equal(e.Offsets, want.Offsets) {
		t.Errorf("the document is %v (%v), want %v", e, err, want)
	}
	if e, _ := tok.Encode("hi"); len(e.IDs) != 2 {
		t.Errorf("the text without its template is %v", e)
	}
	for _, id := range []int32{-1, 0, 257} {
		_, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{After: []int32{id}})
		refused(t, "an id", err, "no special token", `["<|end|>"]`)
	}
	_, err = tokenizer.DNA().WithTemplate(tokenizer.Template{Before: []int32{4}})
	refused(t, "DNA", err, "the id 4, which is no special token; this tokenizer has 0")
}

// Ids that no vocabulary has are visible in the text, and cause no panic.
func TestIDsOutsideTheVocabulary(t *testing.T) {
	for name, tok := range goldens(t) {
		for _, id := range []int32{-1 << 31, -1, int32(tok.Vocab()), 1<<31 - 1} {
			if got := tok.Decode([]int32{id}); got != "\uFFFD" {
				t.Errorf("%s: the id %d is decoded to %q, want U+FFFD", name, id, got)
			}
			if got := tok.Token(id); got != "" {
				t.Errorf("%s: the id %d has the name %q", name, id, got)
			}
		}
	}
	if id, ok := tokenizer.DNA().ID("X"); ok {
		t.Errorf("X has the id %d", id)
	}
}

// Parts of a character are withheld, and nothing else is.
func TestDecoderWithholdsPartsOfCharacters(t *testing.T) {
	d := tokenizer.Bytes().NewDecoder()
	for i, step := range []struct {
		id   int32
		want string
	}{
		{'a', "a"}, {0xc3, ""}, {0xa9, "é"},
		{0xf0, ""}, {0x9f, ""}, {256, ""}, {0x98, ""}, {0x80, "😀"}, // the end of a document between does not count
		{0xe2, ""}, {0x82, ""}, {'b', "\xe2\x82b"}, // b cannot follow
		{0xe2, ""}, {0xc3, "\xe2"}, {0xa9, "é"}, // another character begins
		{0x80, "\x80"}, {0xff, "\xff"}, // no character begins so
		{0xf0, ""}, {0x9f, ""},
	} {
		if got := d.Next(step.id); got != step.want {
			t.Errorf("step %d: the id %#x gives %q, want %q", i, step.id, got, step.want)
		}
	}
	if got := d.Flush(); got != "\xf0\x9f" {
		t.Errorf("Flush gives %q, want the two bytes withheld", got)
	}
	if got := d.Flush(); got != "" {
		t.Errorf("the second Flush gives %q", got)
	}
	d = tokenizer.ListOps().NewDecoder()
	if got := d.Next(10) + d.Next(3) + d.Next(14) + d.Flush() + d.Next(2); got != "[MIN 3 ]2" {
		t.Errorf("words are decoded to %q", got)
	}
}

// Whatever the ids, the texts of a decoder are together the decoded text. Each of them is valid UTF-8 where the decoded text is, and
// no more than three bytes are withheld where it is not.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("aé€😀"), uint8(0))
	f.Add([]byte("aé€😀"), uint8(2))
	f.Add([]byte{0xf0, 0x9f, 0xe2, 0x82, 0xff, 0x80, 0, 0xef, 0xef}, uint8(3))
	toks := goldens(f)
	f.Fuzz(func(t *testing.T, b []byte, every uint8) {
		for name, tok := range toks {
			var ids []int32
			for i, c := range b {
				if every > 0 && i%int(every) == 0 {
					ids = append(ids, int32(tok.Vocab())-1+int32(every%2)) // the last token, or no token
				}
				ids = append(ids, int32(c))
			}
			want := tok.Decode(ids)
			var streamed strings.Builder
			d := tok.NewDecoder()
			for i, id := range ids {
				part := d.Next(id)
				streamed.WriteString(part)
				if utf8.ValidString(want) && !utf8.ValidString(part) {
					t.Errorf("%s: the part %q of %q is not valid UTF-8", name, part, want)
				}
				if withheld := len(tok.Decode(ids[:i+1])) - streamed.Len(); withheld < 0 || withheld >= utf8.UTFMax {
					t.Errorf("%s: %d bytes of %q are withheld", name, withheld, want)
				}
			}
			streamed.WriteString(d.Flush())
			if streamed.String() != want {
				t.Errorf("%s: streamed %q, decoded %q", name, streamed.String(), want)
			}
		}
	})
}

// Ids are in the vocabulary, offsets are in order and in the text, and the kinds of bytes, which alone have an end, give the text back.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", "ACGTacgun", "[MAX 2 3 ]", "0 119", "é€😀\xff\xe2\x82", "日本 é"} {
		f.Add(seed)
	}
	toks := goldens(f)
	f.Fuzz(func(t *testing.T, text string) {
		for name, tok := range toks {
			e, err := tok.Encode(text)
			if err != nil {
				if tok.Specials().End != tokenizer.None {
					t.Errorf("%s refuses %q: %v", name, text, err)
				}
				continue
			}
			if len(e.IDs) != len(e.Offsets) {
				t.Fatalf("%s: %d ids and %d offsets", name, len(e.IDs), len(e.Offsets))
			}
			var last tokenizer.Span
			for i, s := range e.Offsets {
				if e.IDs[i] < 0 || int(e.IDs[i]) >= tok.Vocab() || s.From < last.From || s.To <= s.From || int(s.To) > len(text) {
					t.Fatalf("%s: token %d of %q is %d at %v, after %v", name, i, text, e.IDs[i], s, last)
				}
				last = s
			}
			if got := tok.Decode(e.IDs); tok.Specials().End != tokenizer.None && got != text {
				t.Errorf("%s: %q is decoded to %q", name, text, got)
			}
			again, err := tok.Encode(tok.Decode(e.IDs))
			if err != nil || !slices.Equal(again.IDs, e.IDs) {
				t.Errorf("%s: the decoded text of %q has the ids %v (%v), want %v", name, text, again.IDs, err, e.IDs)
			}
		}
	})
}

func TestMarshalJSONIsWhatReadReads(t *testing.T) {
	for name, tok := range goldens(t) {
		b, err := tok.MarshalJSON()
		if err != nil || bytes.ContainsRune(b, '\n') {
			t.Fatalf("%s: %v, or a line end in %s", name, err, b)
		}
		back, err := tokenizer.Read(strings.NewReader(string(b)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := back.MarshalJSON(); err != nil || string(again) != string(b) {
			t.Errorf("%s: written again as %s (%v), want %s", name, again, err, b)
		}
	}
}

var result tokenizer.Encoding

// benchEncode reports the bytes of text that are encoded a second.
func benchEncode(b *testing.B, tok *tokenizer.Tokenizer, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := tok.EncodeDocument(text)
		if err != nil {
			b.Fatal(err)
		}
		result = e
	}
}

func BenchmarkEncode(b *testing.B) {
	const n = 1 << 20
	numbers, err := tokenizer.Numbers(1000)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		tok        *tokenizer.Tokenizer
	}{
		{"ascii", "The quick brown fox. ", tokenizer.Bytes()},
		{"utf8", "Ωμέγα 日本語 😀 ", tokenizer.Bytes()},
		{"dna", "ACGTacgtNNGATTACA", tokenizer.DNA()},
		{"listops", "[MAX 2 9 [MIN 4 7 ] 0 ] ", tokenizer.ListOps()},
		{"numbers", "7 42 999 ", numbers},
	} {
		b.Run(c.name, func(b *testing.B) { benchEncode(b, c.tok, strings.Repeat(c.text, n/len(c.text))) })
	}
}
