package normalize

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
)

// around are the texts that each character is tried in.
var around = []string{"%c", "a%c\u0323\u0301", "\u0345%c\u0327e"}

// Every character that has a decomposition, a case or a combining class, alone and among marks, becomes what the library makes of it.
func TestEveryCharacter(t *testing.T) {
	b, err := os.ReadFile("testdata/unicode.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for component, sum := range want {
		t.Run(component, func(t *testing.T) {
			t.Parallel()
			n, err := Read("normalizer", json.RawMessage(component), Library)
			if err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			for _, plane := range [][2]rune{{0, 0xd800}, {0xe000, 0x20000}, {0x2f800, 0x2fb00}, {0xe0000, 0xe0200}} {
				for first := plane[0]; first < plane[1]; first += 256 {
					for _, format := range around {
						text, err := n.Apply(aligned.Of(block(format, first), 0))
						if err != nil {
							t.Fatal(err)
						}
						h.Write([]byte(text.S + "\n"))
					}
				}
			}
			if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != sum {
				t.Errorf("the checksum is %s, want %s", got, sum)
			}
		})
	}
}

// block is a format with each of 256 characters, and an x between them.
func block(format string, first rune) string {
	all := make([]string, 256)
	before, behind, _ := strings.Cut(format, "%c")
	for i := range all {
		all[i] = before + string(first+rune(i)) + behind
	}
	return strings.Join(all, "x")
}

// Places are in order and in the text, whatever the normalizers do.
func FuzzPlaces(f *testing.F) {
	f.Add("Tiếng Việt \u0344 İ 日本 ﬁ\r\n\t x")
	f.Add("\u0f77\u0f79\u0301\u0323 \u1100\u1161\u11a8")
	var all []Normalizer
	for _, component := range []string{`{"type": "NFC"}`, `{"type": "NFKD"}`, `{"type": "NFKC"}`, `{"type": "Nmt"}`, `{"type": "ByteLevel"}`,
		`{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}`,
		`{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Strip", "strip_left": true, "strip_right": true},
			{"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": "[a-c]+"}, "content": "日"}]}`} {
		n, err := Read("normalizer", json.RawMessage(component), Library)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, n)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		for i, n := range all {
			got, err := n.Apply(aligned.Of(text, 0))
			if err != nil || !utf8.ValidString(got.S) {
				t.Fatalf("%d makes %q of %q (%v)", i, got.S, text, err)
			}
			last := int32(0)
			for at := range len(got.S) {
				p := got.Place(at)
				if p.From < last || p.To < p.From || int(p.To) > len(text) {
					t.Fatalf("%d: byte %d of %q, made of %q, is at %v", i, at, got.S, text, p)
				}
				last = p.From
			}
		}
	})
}

// AppendLower writes every character as the normalizer Lowercase does.
func TestAppendLower(t *testing.T) {
	for r := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		text := "A" + string(r) + "z"
		if got, want := string(AppendLower(nil, []byte(text))), lowercase(aligned.Of(text, 0)).S; got != want {
			t.Fatalf("%q is %q, want %q", text, got, want)
		}
	}
}

// A character map that is cut or damaged is an error, or finds nothing; it is no panic.
func FuzzPrecompiled(f *testing.F) {
	f.Add([]byte{4, 0, 0, 0, 1, 2, 3, 4, 'a', 0}, "abc")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		component, err := json.Marshal(map[string]any{"type": "Precompiled", "precompiled_charsmap": b})
		if err != nil || !utf8.ValidString(text) {
			return
		}
		for _, mode := range []Mode{Library, SentencePiece} {
			n, err := Read("normalizer", component, mode)
			if err != nil {
				if !strings.Contains(err.Error(), "precompiled_charsmap") {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if got, err := n.Apply(aligned.Of(text, 0)); err != nil || !utf8.ValidString(got.S) {
				t.Errorf("%q becomes %q (%v)", text, got.S, err)
			}
		}
	})
}
