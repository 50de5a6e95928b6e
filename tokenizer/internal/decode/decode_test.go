package decode

import (
	"encoding/json"
	"strings"
	"testing"
)

// A text that comes in parts is cleaned as the whole is.
func FuzzCleaner(f *testing.F) {
	f.Add("it 's a test . isn 't it ? a ' b , c !", uint8(3))
	f.Add("  ' ' s  .  . n't", uint8(1))
	f.Add("é 've é , 're do n't", uint8(2))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		var c cleaner
		var got strings.Builder
		out := func(part string) { got.WriteString(part) }
		for rest := text; rest != ""; {
			n := min(len(rest), int(size%7)+1)
			c.push(rest[:n], out)
			rest = rest[n:]
		}
		c.end(out)
		if want := cleanUp(text); got.String() != want {
			t.Fatalf("%q is cleaned to %q in parts of %d bytes, want %q", text, got.String(), size%7+1, want)
		}
	})
}

// The decoders of a file, one by one. The values are those of the library tokenizers 0.22.2.
func TestDecoders(t *testing.T) {
	for _, c := range []struct {
		decoder string
		tokens  []string
		want    string
	}{
		{`null`, []string{"a", "b"}, "a b"},
		{`{"type": "BPEDecoder", "suffix": "</w>"}`, []string{"a", "b</w>", "c</w>"}, "ab c"},
		{`{"type": "ByteFallback"}`, []string{"<0xE6>", "<0x97>", "<0xA5>", "x", "<0xE6>", "<0x97>", "<0x+A>"}, "日x\ufffd\ufffd\ufffd"},
		{`{"type": "ByteLevel"}`, []string{"Ġa", "æĹ", "¥", "æ", "日"}, " a日\ufffd日"},
		{`{"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true}`,
			[]string{"<pad>", "a", "a", "<pad>", "a", "|", "b"}, "aa b"},
		{`{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}`, []string{"▁a", "▁b"}, "a b"},
		{`{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}`, []string{"▁a", "▁b"}, " a b"},
		{`{"type": "WordPiece", "prefix": "##", "cleanup": true}`, []string{"do", "##n", "'", "t", ",", "ok", "."}, "don ' t, ok."},
		{`{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"},
			{"type": "Strip", "content": " ", "start": 1, "stop": 1}]}`, []string{"▁▁a", "▁", "b▁", "▁"}, " a b "},
		{`{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": {"Regex": "ab+"}, "content": "x"}]}`,
			[]string{"a", "bb", "b", "a"}, "xa"},
		{`{"type": "Strip", "content": "_", "start": 2, "stop": 1}`, []string{"___a__", "_"}, "_a_"},
	} {
		d, err := Read(json.RawMessage(c.decoder))
		if err != nil {
			t.Errorf("%s: %v", c.decoder, err)
			continue
		}
		s := d.Start()
		for range 2 { // a stream may be used again
			var got strings.Builder
			for _, token := range c.tokens {
				s.Push(token)
				got.WriteString(s.Take())
			}
			got.WriteString(s.End())
			if got.String() != c.want {
				t.Errorf("%s decodes %q to %q, want %q", c.decoder, c.tokens, got.String(), c.want)
			}
		}
		if s.Push(c.tokens[0]); s.End() == "" && c.want == "" {
			t.Errorf("%s: nothing", c.decoder)
		}
	}
	for decoder, want := range map[string]string{
		`3`: "expected an object", `{"type": "X"}`: `has the type "X", which is not known`,
		`{"type": "Fuse", "x": 1}`: `the key "x"`, `{"type": "Replace", "pattern": {"Regex": "(?=a)"}, "content": ""}`: "looks ahead",
		strings.Repeat(`{"type": "Sequence", "decoders": [`, 20) + strings.Repeat(`]}`, 20): "more than 16 deep",
	} {
		if _, err := Read(json.RawMessage(decoder)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: the error is %v; want %q in it", decoder, err, want)
		}
	}
}
